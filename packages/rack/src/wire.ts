import { join } from 'node:path'
import { KeyrackError } from '@keyrack/protocol'
import {
  createHealth,
  KeyThrottle,
  type Listening,
  type Logger,
  listen,
  loadCertificate,
  lockFolder,
  openKeyring,
  openStore,
} from '@keyrack/server'
import { AccessTokens } from './access-tokens/access-tokens.ts'
import { createTokenHandlers } from './access-tokens/token-handlers.ts'
import type { RackConfig } from './config.ts'
import { MIGRATIONS } from './database/migrations.ts'
import type { RackSchema } from './database/schema.ts'
import { createLocalEngine } from './engines/local/local-engine.ts'
import { createHttpsServer } from './http/https-server.ts'
import { OpenStreams } from './http/open-streams.ts'
import { createRequestListener } from './http/request-listener.ts'
import { createRouteHandlers } from './http/route-handlers.ts'
import { createStreamHandlers } from './http/stream-handlers.ts'
import { createUpgradeListener } from './http/upgrade-listener.ts'
import { KnownInstances } from './instances/known-instances.ts'
import { SshKeys } from './instances/ssh-keys.ts'
import { ConsoleRecovery } from './rack-keys/console-recovery.ts'
import { createKeyHandlers } from './rack-keys/key-handlers.ts'
import { RackKeys } from './rack-keys/rack-keys.ts'
import type { ClockSource } from './rack-keys/seen-clock.ts'
import { InstanceCount } from './system/instance-count.ts'
import { canaryRow, loadRackRecord, rememberPort } from './system/rack-record.ts'
import { recordRelease } from './system/rack-releases.ts'
import { RACK_VERSION } from './system/rack-version.ts'
import { SystemLog } from './system/system-log.ts'
import { UsageHistory } from './system/usage-history.ts'

export interface RunningRack {
  rackId: string
  /** `https://host:port` as seen from this machine. */
  url: string
  /** SHA-256 of the certificate, hex: what a client pins. */
  fingerprint: string
  /** Ends every stream with a reason, then everything else. */
  stop(): Promise<void>
}

const STREAM_GRACE_MS = 2_000
const CLOSE_GRACE_MS = 2_000

/** The composition root of the Rack, read top to bottom. What was opened is closed on failure. */
export async function startRack(
  config: RackConfig,
  log: Logger,
  clock: { clock?: ClockSource } = {},
): Promise<RunningRack> {
  const closing: Array<() => Promise<void> | void> = []
  const stop = async (): Promise<void> => {
    for (const close of closing.splice(0).reverse()) await close()
  }
  try {
    return { ...(await open(config, log, closing, clock)), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function open(
  config: RackConfig,
  log: Logger,
  closing: Array<() => Promise<void> | void>,
  clock: { clock?: ClockSource },
): Promise<Omit<RunningRack, 'stop'>> {
  const notice = (text: string): void => log.warn(text)
  const folder = join(config.dataDir, 'racks', config.rackName)
  const lock = lockFolder(folder, 'Rack')
  closing.push(() => lock.release())

  const store = await openStore<RackSchema>({ file: join(folder, 'db'), migrations: MIGRATIONS })
  closing.push(() => store.close())
  const record = await loadRackRecord(store)
  const keyring = await openKeyring({
    folder: join(folder, 'keys'),
    mayCreate: true,
    canary: canaryRow(store),
    notice,
  })
  const systemLog = await SystemLog.open({ store, log })
  closing.push(() => systemLog.close())
  const configuredHash = config.rackKeyHash
  const keys = await RackKeys.open({ store, systemLog, configuredHash, log, ...clock })
  closing.push(() => keys.close())
  const tokens = await AccessTokens.open({ store, keyring, keys })
  const sshKeys = new SshKeys(store, keyring)
  await sshKeys.ensureFirst()
  await recordRelease(store, RACK_VERSION)
  const certificate = await loadCertificate({
    folder: join(folder, 'tls'),
    names: ['localhost', '127.0.0.1', '::1', config.host],
  })

  const engine = createLocalEngine({
    folder: join(folder, 'instances'),
    count: record.instanceCount,
    authorizedKeys: () => sshKeys.authorizedKeys(),
    log,
    happened: (id, what) => systemLog.add(`instance/${id}`, `the instance ${what}`),
    childEnvironment: config.childEnvironment,
    loopbackOnly: config.loopbackOnly,
    loopbackProblem: `the Rack would listen on HOST=${config.host}`,
  })
  closing.push(() => engine.stop())
  await engine.start()
  const usage = new UsageHistory({ engine, log })
  closing.push(() => usage.stop())
  usage.start()

  const count = record.instanceCount
  const instanceCount = new InstanceCount({ store, engine, systemLog, log, count })
  const authentication = { keys, tokens, throttle: new KeyThrottle() }
  const knownInstances = new KnownInstances(store, engine)
  // The engine is not asked: anybody may call /readyz, and asking a cloud costs money and time.
  const health = createHealth({ database: () => store.check() })
  let listening: Listening | undefined
  const recovery = new ConsoleRecovery({ store, keys, rackId: record.id })
  const handlers = new Map([
    ...createRouteHandlers({
      store,
      engine,
      rackId: record.id,
      name: config.rackName,
      instanceCount,
      usage,
      address: () => addressOf(listening, config.host),
    }),
    ...createKeyHandlers(keys, recovery),
    ...createTokenHandlers(tokens),
  ])
  const openStreams = new OpenStreams()
  const { server, dropConnections } = createHttpsServer(certificate)
  server.on('request', createRequestListener({ handlers, authentication, health, log }))
  server.on(
    'upgrade',
    createUpgradeListener({
      handlers: createStreamHandlers({ engine, sshKeys, knownInstances }, systemLog),
      authentication,
      openStreams,
      log,
    }),
  )
  listening = await listen(server, {
    port: config.port ?? record.port ?? 0,
    host: config.host,
    variable: 'RACK_PORT',
    hostVariable: 'HOST',
  })
  const closeListener = listening.close
  closing.push(async () => {
    systemLog.add(`rack/${config.rackName}`, 'the Rack is stopping')
    const closed = closeListener()
    await openStreams.stop(stopping(), STREAM_GRACE_MS)
    // A moment for requests in progress and last words; who never hangs up does not hold the stop.
    const timer = setTimeout(dropConnections, CLOSE_GRACE_MS)
    await closed
    clearTimeout(timer)
  })
  systemLog.add(`rack/${config.rackName}`, `the Rack started, version ${RACK_VERSION}`)
  if (config.port === undefined && record.port === undefined) {
    await rememberPort(store, listening.port)
  }
  return {
    rackId: record.id,
    url: `https://${addressOf(listening, config.host)}`,
    fingerprint: certificate.fingerprint,
  }
}

/** `host:port` for clients on this machine. */
function addressOf(listening: Listening | undefined, host: string): string {
  const name = host.includes(':') ? `[${host}]` : host
  return listening === undefined ? name : `${name}:${listening.port}`
}

function stopping(): KeyrackError {
  return new KeyrackError('not-ready', 'the Rack is stopping', { hint: 'try again in a moment' })
}
