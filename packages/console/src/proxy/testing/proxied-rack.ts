/**
 * For tests: the proxy between a real client socket and a Rack that is a real TLS server whose
 * answers the test writes. Audit rows go into a real database.
 */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { basicHeader, normalizePath } from '@keyrack/protocol'
import {
  createMasterKey,
  generateSigningKey,
  hashApiKey,
  Keyring,
  mintApiKey,
  type Secret,
  seal,
} from '@keyrack/secrets'
import { errorResponse, loadCertificate, openStore, type Store } from '@keyrack/server'
import { AuditLog } from '../../audit/audit-log.ts'
import { MIGRATIONS } from '../../database/migrations.ts'
import type { Database } from '../../database/schema.ts'
import type { AccountEntry, Directory, RackEntry, Role } from '../../directory.ts'
import type { ConsoleIdentity } from '../../rack-rolls/console-identity.ts'
import { KeysInFlight } from '../../rack-rolls/keys-in-flight.ts'
import { rackKeyContext } from '../../racks/open-rack-key.ts'
import { authenticateUser } from '../authenticate-user.ts'
import { createProxy, type RackProxy } from '../index.ts'
import { rackEntry } from './rack-entry.ts'

export interface ProxiedRack {
  /** The Console's port on loopback, plain http. */
  port: number
  userKey: Secret
  rackKey: Secret
  authorization: string
  rack: RackEntry
  account: AccountEntry
  /** Of the Rack's organization. */
  deployKey: Secret
  rackServer: TlsServer
  /** The certificate of the Rack, of which another server can be made. */
  certificate: { cert: string; key: Secret }
  /** Held or closed by tests of what happens when it does not answer. */
  store: Store<Database>
  /** As whom the Console signs. */
  identity: ConsoleIdentity
  /** What the Console believes of the Rack from now on. */
  believe(entry: Partial<RackEntry>): void
  /** The account has another role from now on, or is no member any more. */
  giveRole(role: Role | undefined): void
  proxy: RackProxy
  /** Requests that carry the Rack's key and wait for the head of their answer. */
  keysInFlight: KeysInFlight
  /** The generations of its key that the Rack has told. */
  heard: number[]
  /** The Rack's key is another one from now on. */
  rollKey(key: Secret): void
  /** Failures that were the Console's own. */
  failures: unknown[]
  /** What requests threw, as the listener was left to answer. */
  answeredErrors: unknown[]
  /** How many client connections have sent a request and are open. */
  clients(): number
  auditRows(): Promise<
    Array<{ phase: string; action: string; status: number | null; note: string | null }>
  >
  close(): Promise<void>
}

export interface RackBehaviour {
  request?: RequestListener
  upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  role?: Role
  serverAdministrator?: boolean
  /** Changes what the Console believes of the Rack. */
  entry?: Partial<RackEntry>
}

export async function startProxiedRack(behaviour: RackBehaviour = {}): Promise<ProxiedRack> {
  const folder = await mkdtemp(join(tmpdir(), 'keyrack-proxy-'))
  const certificate = await loadCertificate({ folder: join(folder, 'tls'), names: [] })
  const rackServer = createTlsServer(
    { cert: certificate.cert, key: certificate.key.reveal(), requestTimeout: 0 },
    behaviour.request,
  )
  if (behaviour.upgrade !== undefined) rackServer.on('upgrade', behaviour.upgrade)
  const rackPort = await listening(rackServer)

  const keyring = new Keyring([createMasterKey()])
  const [userKey, rackKey] = [mintApiKey('user'), mintApiKey('rack')]
  const deployKey = mintApiKey('deploy')
  const roles = new Map<string, Role>([['org-1', behaviour.role ?? 'administrator']])
  const account: AccountEntry = {
    id: 'account-1',
    email: 'ann@example.com',
    serverAdministrator: behaviour.serverAdministrator ?? true,
    roles,
  }
  const rack = rackEntry({
    name: 'dev',
    url: `https://127.0.0.1:${rackPort}`,
    pin: certificate.fingerprint,
    local: true,
    sealedKey: seal(keyring, rackKey, rackKeyContext('rack-1', 1)),
    provider: 'local',
    ...behaviour.entry,
  })
  const store: Store<Database> = await openStore<Database>({
    file: join(folder, 'db'),
    migrations: MIGRATIONS,
  })
  const failures: unknown[] = []
  const identity = { id: 'console-1', ...generateSigningKey() }
  const racks = [rack]
  const listeners: Array<() => void> = []
  const directory = {
    ...directoryOf(account, racks, hashApiKey(userKey), hashApiKey(deployKey)),
    onChange: (listener: () => void) => void listeners.push(listener),
  }
  const keysInFlight = new KeysInFlight()
  const heard: number[] = []
  const proxy = createProxy({
    directory,
    keyring,
    audit: new AuditLog(store),
    identity,
    rolls: {
      begin: ({ id, keyVersion }) => keysInFlight.begin(id, keyVersion),
      heard: (_id, generation) => void heard.push(generation),
      refused: () => undefined,
    },
    rackNetworks: [],
    authenticate: (authorization, address) =>
      authenticateUser(
        { directory, throttle: { failed: () => undefined }, now: Date.now },
        authorization,
        address,
      ),
    failed: (error) => failures.push(error),
  })
  const answeredErrors: unknown[] = []
  const clients = new Set<Duplex>()
  const consoleServer = serveProxy(proxy, clients, answeredErrors)
  const port = await listening(consoleServer)

  return {
    port,
    userKey,
    rackKey,
    authorization: basicHeader(userKey).reveal(),
    rack,
    account,
    deployKey,
    rackServer,
    certificate,
    store,
    identity,
    giveRole(role) {
      if (role === undefined) roles.clear()
      else roles.set('org-1', role)
      for (const listener of listeners) listener()
    },
    believe: (entry) => {
      racks[0] = { ...rack, ...entry }
    },
    proxy,
    keysInFlight,
    heard,
    rollKey(key) {
      const keyVersion = (racks[0]?.keyVersion ?? 0) + 1
      const sealedKey = seal(keyring, key, rackKeyContext('rack-1', keyVersion))
      racks[0] = { ...rack, sealedKey, keyVersion }
    },
    failures,
    answeredErrors,
    clients: () => clients.size,
    auditRows: () =>
      store.db
        .selectFrom('audit')
        .select(['phase', 'action', 'status', 'note'])
        .orderBy('sequence')
        .execute(),
    async close() {
      await proxy.close()
      await Promise.all([closeServer(consoleServer), closeServer(rackServer)])
      await store.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function directoryOf(
  account: AccountEntry,
  racks: RackEntry[],
  keyHash: string,
  deployKeyHash: string,
): Omit<Directory, 'onChange'> {
  const organization = { id: 'org-1', name: 'acme' }
  const key = { kind: 'deploy-key', id: 'd-1', name: 'ci', organization, expiresAt: null } as const
  return {
    empty: false,
    copiedKeys: new Map(),
    accountByApiKeyHash: (hash) => (hash === keyHash ? account : undefined),
    deployKeyByHash: (hash) => (hash === deployKeyHash ? key : undefined),
    accountById: (id) => (id === account.id ? account : undefined),
    organizationsOf: () => racks.map((rack) => rack.organization),
    organizationByName: (name) =>
      racks.find((rack) => rack.organization.name === name)?.organization,
    racksOf: () => racks,
    allRacks: () => racks,
    rackByRemoteId: () => undefined,
    rackById: (id) => racks.find((rack) => rack.id === id),
    setRackStatus: () => undefined,
    refresh: async () => undefined,
  }
}

function serveProxy(proxy: RackProxy, clients: Set<Duplex>, errors: unknown[]): Server {
  const facts = (request: IncomingMessage) => ({
    requestId: 'request-0001',
    address: request.socket.remoteAddress ?? '',
    actorId: null,
    route: '',
  })
  const server = createServer({ requestTimeout: 0 }, (request, answer) => {
    const { socket } = request
    if (!clients.has(socket)) socket.once('close', () => clients.delete(socket))
    clients.add(socket)
    const serve = async () =>
      proxy.request(request, answer, normalizePath(request.url ?? ''), facts(request))
    serve().catch((error: unknown) => {
      errors.push(error)
      const { status, headers, body } = errorResponse(error, 'request-0001')
      if (answer.headersSent) answer.destroy()
      else answer.writeHead(status, headers).end(body)
    })
  })
  server.on('upgrade', (request, socket, head) => {
    void proxy.upgrade(request, socket, head, normalizePath(request.url ?? ''), facts(request))
  })
  return server
}

async function listening(server: Server | TlsServer): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  OPEN_SOCKETS.set(server, sockets)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const OPEN_SOCKETS = new WeakMap<Server | TlsServer, Set<Socket>>()

async function closeServer(server: Server | TlsServer): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  for (const socket of OPEN_SOCKETS.get(server) ?? []) socket.destroy()
  await closed
}
