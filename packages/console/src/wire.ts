import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { mintToken } from '@keyrack/secrets'
import { createHealth, type Logger, loadCertificate, openOperatorListener } from '@keyrack/server'
import { banner, loginHost } from './banner.ts'
import type { ConsoleConfig } from './config.ts'
import type { ConsoleContext } from './context.ts'
import { beforeDirectory } from './http/before-directory.ts'
import { createHandler } from './http/handler.ts'
import { createKeyAuthenticator } from './http/key-authenticator.ts'
import { openListeners } from './listeners.ts'
import { type Closing, openContext } from './open-context.ts'
import { removeOperatorAccess, writeOperatorAccess } from './operator/operator-access.ts'
import { createOperatorRoutes } from './operator/operator-routes.ts'
import { createAddressGuard } from './proxy/address-guard.ts'
import { createProxy } from './proxy/index.ts'
import { TokenEndings } from './rack-access/token-endings.ts'
import type { Point } from './rack-rolls/point.ts'
import type { LocalRack } from './racks/local-rack.ts'
import { prepareLocalRack } from './racks/prepare-local-rack.ts'

export type { ConsoleContext, Domain, RequestContext, Tx } from './context.ts'

export interface RunningConsole {
  context: ConsoleContext
  /** Fails when the first start of the local Rack meets a RACK_PORT that is taken. */
  localRack: Promise<void>
  /** The ports in use, also when 0 was asked for. */
  port: number
  tlsPort: number
  operatorPort: number
  fingerprint: string
  /** What to show to whoever started it. */
  banner: string
  /** Reads the TLS files again (SIGHUP); a pair that cannot be used changes nothing. */
  reloadCertificate(): Promise<void>
  stop(): Promise<void>
}

/** What is under way when the server stops may take this long to end. */
const REQUEST_GRACE_MS = 3_000
/** Nobody waits longer than this for the sign-up address because of the local Rack. */
const RACK_WAIT_MS = 5_000

/** The composition root, read top to bottom. What was opened is closed on failure, newest first. */
export async function startConsole(
  config: ConsoleConfig,
  log: Logger,
  point?: Point,
): Promise<RunningConsole> {
  const closing: Closing = []
  const stop = async (): Promise<void> => {
    const failures: unknown[] = []
    for (const close of closing.splice(0).reverse()) {
      try {
        await close()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'not everything could be closed')
  }
  try {
    const context = await openContext(config, log, closing, point)
    return { ...(await serve(context, closing)), stop }
  } catch (error) {
    // What went wrong first is what has to be read.
    await stop().catch((closing: unknown) => log.error({ err: closing }, 'closing failed'))
    throw error
  }
}

async function serve(
  context: ConsoleContext,
  closing: Closing,
): Promise<Omit<RunningConsole, 'stop'>> {
  const { config, log, directory, keyring, audit, metrics, rolls } = context
  const authenticate = createKeyAuthenticator(context)
  const proxy = createProxy({
    directory,
    keyring,
    audit,
    identity: context.identity,
    rolls,
    rackNetworks: config.rackNetworks,
    authenticate,
    beforeDirectory: (authorization) => beforeDirectory(context, authorization),
    failed: (error, requestId) => log.error({ err: error, requestId }, 'a stream failed'),
  })
  closing.push(() => proxy.close())

  const certificate = await loadCertificate({
    folder: join(config.dataDir, 'console', 'tls'),
    names: certificateNames(config),
    ...(config.tlsCertFile === undefined ? {} : { certFile: config.tlsCertFile }),
    ...(config.tlsKeyFile === undefined ? {} : { keyFile: config.tlsKeyFile }),
  })
  const { fingerprint } = certificate
  // Pages read it at each answer, so a renewed certificate shows there too.
  const login = { host: loginHost(config, config.tlsPort), fingerprint }
  const handler = createHandler({ context, proxy, authenticate, login })
  const health = createHealth({ database: context.ready })
  const token = mintToken()
  const operator = await openOperatorListener({
    port: config.operatorPort,
    health,
    metrics,
    log,
    routes: createOperatorRoutes(context, token),
  })
  closing.push(() => operator.close())
  const folder = join(config.dataDir, 'console')
  writeOperatorAccess(folder, { port: operator.port, token })
  closing.push(() => removeOperatorAccess(folder))
  closing.push(() => rolls.stop())
  await rolls.start()
  const guard = createAddressGuard(config.rackNetworks)
  const endings = new TokenEndings({ ...context, guard })
  closing.push(() => endings.stop())
  endings.start()
  let rack: LocalRack | undefined
  closing.push(() => rack?.stop())
  // Last in, first out: while requests end, the Rack they are about still runs.
  const listeners = await openListeners(handler, config, certificate)
  closing.push(() => listeners.close(REQUEST_GRACE_MS))
  // TLS_PORT may have been 0, which is any free port.
  login.host = loginHost(config, listeners.tls.port)

  rack = await prepareLocalRack(context)
  const localRack = rack?.start() ?? Promise.resolve()
  const waited = new AbortController()
  const wait = sleep(RACK_WAIT_MS, undefined, { signal: waited.signal }).catch(() => undefined)
  await Promise.race([localRack, wait])
  waited.abort()

  const { port } = listeners.plain
  return {
    context,
    localRack,
    port,
    tlsPort: listeners.tls.port,
    operatorPort: operator.port,
    fingerprint,
    async reloadCertificate() {
      const renewed = await certificate.reload()
      listeners.useCertificate(renewed)
      login.fingerprint = renewed.fingerprint
      log.info({ fingerprint: renewed.fingerprint }, 'the certificate was read again')
    },
    banner: banner({
      port,
      login,
      signUpOpen: directory.empty,
      setupToken: context.setupToken,
    }),
  }
}

function certificateNames(config: ConsoleConfig): string[] {
  const publicHost = config.publicUrl === undefined ? [] : [new URL(config.publicUrl).hostname]
  const names = [
    'localhost',
    '127.0.0.1',
    '::1',
    config.host,
    ...config.allowedHosts,
    ...publicHost,
  ]
  return [...new Set(names)]
}
