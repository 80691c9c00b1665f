/**
 * The Rack API as data (protocol.md 6.2): one row per route, read by the Console's proxy and by the
 * Rack. A route that is not in this table can be reached through a Console by administrators only.
 */

/** What a person must be allowed to do on the Rack. `execute` runs code on it: shell, exec, proxy. */
export type Permission = 'read' | 'write' | 'execute' | 'administer'

export interface Route {
  /** Stable name for logs, metrics and the audit log; never holds ids. */
  name: string
  method: string
  /** `{x}` stands for one segment, `{x...}` for the rest of the path. */
  path: string
  permission: Permission
  /** Reads are not recorded; everything that changes something or runs code is. */
  audited: boolean
  /** A WebSocket; the request must ask for the upgrade. */
  socket?: true
  /** A WebSocket that ends with the exit marker. */
  exitCode?: true
  /** Request headers that carry options and may travel to the Rack. */
  options: readonly string[]
  /** Parameters that this route may not carry through a Console. */
  guard?: 'rack-password'
  /** Never proxied: the text says which command to use instead. */
  consoleOnly?: string
  /** Deploy keys may call it; everything else they may not. See `DEPLOY_COMMANDS`. */
  deploy?: true
}

/**
 * What deploy keys are for: the commands of the official product's list. Which routes these call
 * (protocol.md 8.2 to 8.4) is marked below. Reading releases or registries, which hold secrets, is
 * not among them: `env set --replace` writes an environment without reading the one before.
 */
export const DEPLOY_COMMANDS: readonly string[] = [
  ...['build', 'builds', 'builds export', 'builds import', 'deploy', 'env set --replace'],
  ...['logs', 'rack', 'racks', 'releases promote', 'run'],
]
const DEPLOY = { deploy: true } as const

const LOGS = ['Filter', 'Follow', 'Prefix', 'Since', 'Tail', 'Previous', 'Maxlogrequests'] as const
const TERMINAL = ['Command', 'Height', 'Width'] as const
const PROCESS = [
  ...TERMINAL,
  ...['Environment', 'Image', 'Memory', 'Release', 'Timeout', 'Volumes', 'Cpu', 'Cpu-Limit'],
  ...['Gpu', 'Gpu-Vendor', 'Memory-Limit', 'Node-Labels', 'Privileged', 'System-Critical'],
  'Use-Service-Volume',
] as const

type Extras = Partial<Pick<Route, 'options' | 'guard' | 'consoleOnly' | 'audited' | 'deploy'>>

function http(name: string, line: string, permission: Permission, extras: Extras = {}): Route {
  const [method = '', path = ''] = line.split(' ')
  const audited = method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS'
  return { name, method, path, permission, audited, options: [], ...extras }
}

function logs(name: string, path: string, extras: Extras = {}): Route {
  return { ...http(name, `GET ${path}`, 'read'), socket: true, options: LOGS, ...extras }
}

/** A stream that runs code on the Rack. */
function run(
  name: string,
  path: string,
  options: readonly string[],
  exitCode: boolean,
  extras: Extras = {},
): Route {
  const route: Route = {
    name,
    method: 'GET',
    path,
    permission: 'execute',
    audited: true,
    options,
    socket: true,
    ...extras,
  }
  return exitCode ? { ...route, exitCode: true } : route
}

const ROLL_INSTEAD =
  'a Rack API key is changed only by its Console; run: convox rack key roll <org/rack>'
/** Also for people with an official client, whose `rack access` led here. */
const ACCESS_INSTEAD =
  'access tokens are made by the Console itself; with its own client run: convox rack access'

export const ROUTES: readonly Route[] = [
  http('check', 'GET /check', 'read'),
  http('auth', 'GET /auth', 'read'),

  http('system.get', 'GET /system', 'read', DEPLOY),
  http('system.update', 'PUT /system', 'administer', { guard: 'rack-password' }),
  http('system.capacity', 'GET /system/capacity', 'read'),
  logs('system.logs', '/system/logs'),
  http('system.metrics', 'GET /system/metrics', 'read'),
  http('system.processes', 'GET /system/processes', 'read'),
  http('system.releases', 'GET /system/releases', 'read'),
  http('system.audit', 'GET /system/audit', 'administer'),
  http('system.token.create', 'POST /system/jwt/token', 'administer', {
    consoleOnly: ACCESS_INSTEAD,
  }),
  http('system.token.rotate', 'PUT /system/jwt/rotate', 'administer', {
    consoleOnly: ACCESS_INSTEAD,
  }),
  http('system.token.list', 'GET /system/jwt/tokens', 'administer', {
    consoleOnly: ACCESS_INSTEAD,
  }),
  http('system.token.revoke', 'DELETE /system/jwt/tokens/{id}', 'administer', {
    consoleOnly: ACCESS_INSTEAD,
  }),
  // Official v2 changes security groups with a GET (protocol.md 9 item 7).
  http('system.sync-addresses', 'GET /system/sync/whitelist/instances/ip', 'administer', {
    audited: true,
  }),
  // What a Console and our Rack say to each other about the Rack's key (key-resources.ts).
  http('key.status', 'GET /system/key', 'administer', { consoleOnly: ROLL_INSTEAD }),
  http('key.stage', 'POST /system/key/stage', 'administer', { consoleOnly: ROLL_INSTEAD }),
  http('key.unstage', 'POST /system/key/unstage', 'administer', { consoleOnly: ROLL_INSTEAD }),
  http('key.retire', 'POST /system/key/retire', 'administer', { consoleOnly: ROLL_INSTEAD }),
  http('key.register', 'POST /system/key/register', 'administer', { consoleOnly: ROLL_INSTEAD }),
  http('key.challenge', 'POST /system/key/challenge', 'administer', { consoleOnly: ROLL_INSTEAD }),
  http('key.recover', 'POST /system/key/recover', 'administer', { consoleOnly: ROLL_INSTEAD }),

  http('instances.list', 'GET /instances', 'read'),
  http('instances.keyroll', 'POST /instances/keyroll', 'administer'),
  http('instances.keyroll-status', 'GET /instances/keyroll', 'read'),
  http('instances.host-key', 'GET /instances/{id}/host-key', 'administer'),
  http('instances.trust', 'POST /instances/{id}/trust', 'administer'),
  http('instances.authorized-keys', 'GET /instances/{id}/authorized-keys', 'administer'),
  http('instances.rekey', 'POST /instances/{id}/rekey', 'administer'),
  run('instances.shell', '/instances/{id}/shell', [...TERMINAL, 'Private-Key'], true),
  run('instances.ssh', '/instances/{id}/ssh', [...TERMINAL, 'Terminal'], true),
  http('instances.terminate', 'DELETE /instances/{id}', 'write'),

  http('apps.list', 'GET /apps', 'read'),
  http('apps.create', 'POST /apps', 'write'),
  http('apps.get', 'GET /apps/{app}', 'read', DEPLOY),
  http('apps.update', 'PUT /apps/{app}', 'write'),
  http('apps.delete', 'DELETE /apps/{app}', 'write'),
  http('apps.cancel', 'POST /apps/{app}/cancel', 'write'),
  logs('apps.logs', '/apps/{app}/logs', DEPLOY),
  http('apps.metrics', 'GET /apps/{app}/metrics', 'read'),

  http('builds.list', 'GET /apps/{app}/builds', 'read', DEPLOY),
  http('builds.create', 'POST /apps/{app}/builds', 'write', DEPLOY),
  http('builds.import', 'POST /apps/{app}/builds/import', 'write', DEPLOY),
  // Also answers {id}.tgz, the export.
  http('builds.get', 'GET /apps/{app}/builds/{id}', 'read', DEPLOY),
  http('builds.update', 'PUT /apps/{app}/builds/{id}', 'write'),
  logs('builds.logs', '/apps/{app}/builds/{id}/logs', DEPLOY),

  http('objects.list', 'GET /apps/{app}/objects', 'read'),
  http('objects.fetch', 'GET /apps/{app}/objects/{key...}', 'read'),
  http('objects.exists', 'HEAD /apps/{app}/objects/{key...}', 'read'),
  http('objects.store', 'POST /apps/{app}/objects/{key...}', 'write', {
    options: ['Public'],
    ...DEPLOY,
  }),
  http('objects.delete', 'DELETE /apps/{app}/objects/{key...}', 'write'),

  http('processes.list', 'GET /apps/{app}/processes', 'read'),
  http('processes.get', 'GET /apps/{app}/processes/{process}', 'read', DEPLOY),
  http('processes.stop', 'DELETE /apps/{app}/processes/{process}', 'write', DEPLOY),
  http('processes.run', 'POST /apps/{app}/services/{service}/processes', 'execute', {
    options: PROCESS,
    ...DEPLOY,
  }),
  run(
    'processes.exec',
    '/apps/{app}/processes/{process}/exec',
    [...TERMINAL, 'Entrypoint', 'Tty', 'Disable-Stdin'],
    true,
    DEPLOY,
  ),
  logs('processes.logs', '/apps/{app}/processes/{process}/logs'),
  http('files.download', 'GET /apps/{app}/processes/{process}/files', 'execute', { audited: true }),
  http('files.upload', 'POST /apps/{app}/processes/{process}/files', 'execute'),
  http('files.delete', 'DELETE /apps/{app}/processes/{process}/files', 'execute'),
  run('proxy', '/proxy/{host}/{port}', [], false),

  // Releases hold the environment, registries and gen1 parameters hold passwords: not for every reader.
  http('releases.list', 'GET /apps/{app}/releases', 'write'),
  http('releases.create', 'POST /apps/{app}/releases', 'write', DEPLOY),
  http('releases.get', 'GET /apps/{app}/releases/{release}', 'write'),
  http('releases.promote', 'POST /apps/{app}/releases/{release}/promote', 'write', DEPLOY),
  http('registries.list', 'GET /registries', 'write'),
  http('registries.add', 'POST /registries', 'write'),
  http('registries.remove', 'DELETE /registries/{server...}', 'write'),

  http('services.list', 'GET /apps/{app}/services', 'read'),
  http('services.metrics', 'GET /apps/{app}/services/{service}/metrics', 'read'),
  http('services.restart', 'POST /apps/{app}/services/{service}/restart', 'write'),
  http('services.update', 'PUT /apps/{app}/services/{service}', 'write'),
  logs('services.logs', '/apps/{app}/services/{service}/logs', DEPLOY),
  http('ssl.update', 'PUT /apps/{app}/ssl/{service}/{port}', 'write', { options: ['Id'] }),
  http('certificates.list', 'GET /certificates', 'read'),
  http('certificates.create', 'POST /certificates', 'write'),
  http('certificates.generate', 'POST /certificates/generate', 'write'),
  http('certificates.delete', 'DELETE /certificates/{id}', 'write'),

  http('app-resources.list', 'GET /apps/{app}/resources', 'write'),
  http('app-resources.get', 'GET /apps/{app}/resources/{resource}', 'write'),
  http('resources.list', 'GET /resources', 'write'),
  http('resources.types', 'OPTIONS /resources', 'read'),
  http('resources.create', 'POST /resources', 'write'),
  http('resources.get', 'GET /resources/{resource}', 'write'),
  http('resources.update', 'PUT /resources/{resource}', 'write'),
  http('resources.delete', 'DELETE /resources/{resource}', 'write'),
  http('resources.link', 'POST /resources/{resource}/links', 'write'),
  http('resources.unlink', 'DELETE /resources/{resource}/links/{app}', 'write'),
  http('events.send', 'POST /events', 'write'),

  // Gen1 (protocol.md 8.4), still called by old clients and by new ones against old Racks.
  http('environment.get', 'GET /apps/{app}/environment', 'write'),
  http('environment.set', 'POST /apps/{app}/environment', 'write'),
  http('environment.unset', 'DELETE /apps/{app}/environment/{name}', 'write'),
  http('formation.list', 'GET /apps/{app}/formation', 'read'),
  http('formation.update', 'POST /apps/{app}/formation/{process}', 'write'),
  http('parameters.get', 'GET /apps/{app}/parameters', 'write'),
  http('parameters.set', 'POST /apps/{app}/parameters', 'administer', { guard: 'rack-password' }),
  http('processes.run-classic', 'POST /apps/{app}/processes/{process}/run', 'execute', {
    options: PROCESS,
    ...DEPLOY,
  }),
  run('processes.run-attached', '/apps/{app}/processes/{process}/run', PROCESS, true, DEPLOY),
]

const BY_NAME = new Map(ROUTES.map((route) => [route.name, route]))

/** The route of that name; an unknown name is a programmer's mistake. */
export function route(name: string): Route {
  const found = BY_NAME.get(name)
  if (found === undefined) throw new TypeError(`no route is called ${name}`)
  return found
}
