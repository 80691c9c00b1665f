import type {
  Answer,
  Client,
  ClientStream,
  RequestOptions,
  Seen,
  StreamOptions,
} from '@keyrack/protocol/client'
import type { Context, GlobalOptions } from './context.ts'
import { Failure, NotLoggedIn } from './failures.ts'
import { findProxy } from './find-proxy.ts'
import { checkedRackName } from './rack-name.ts'
import { refusedKey } from './refused-key.ts'
import { findInstalledTarget, findRack, findTarget, type Target } from './target.ts'
import { UnknownInstance } from './unknown-instance.ts'
import { ownVersion } from './version.ts'

/** A client whose failures say which host they are about and what to run next. */
export interface Connection extends Client {
  target: Target
}

/** To a Console itself, or to a Rack logged in to directly: no `Rack` header. */
export function connectToHost(context: Context, options: GlobalOptions): Promise<Connection> {
  return connectTo(context, findTarget(context, options))
}

/** To the Rack of this command. */
export function connectToRack(context: Context, options: GlobalOptions): Promise<Connection> {
  const installed = findInstalledTarget(context, options)
  if (installed !== undefined) return connectTo(context, installed)
  const target = findTarget(context, options)
  const rack = findRack(context, options, target.host.name)
  return connectTo(context, target, rack && checkedRackName(rack.name, rack.source))
}

export async function connectTo(
  { terminal, environment }: Pick<Context, 'terminal' | 'environment'>,
  target: Target,
  rack?: string,
): Promise<Connection> {
  const { createClient } = await import('@keyrack/protocol/client')
  const proxy = findProxy(environment, target.host.url)
  const through = proxy === undefined ? '' : ` through the proxy ${proxy.host}:${proxy.port}`
  const client = createClient({
    url: target.host.url,
    password: target.key,
    version: ownVersion(),
    ...(target.user === undefined ? {} : { user: target.user }),
    ...(target.pin === undefined ? {} : { pin: target.pin }),
    ...(rack === undefined ? {} : { rack }),
    ...(proxy === undefined ? {} : { proxy }),
    ...(terminal.debugging
      ? { see: (seen: Seen) => terminal.debug(`${describeRequest(seen)}${through}`) }
      : {}),
  })
  const explained = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (error) {
      throw explain(error, target)
    }
  }
  return {
    target,
    request: (method: string, path: string, sent?: RequestOptions): Promise<Answer> =>
      explained(client.request(method, path, sent)),
    get: <T>(path: string, decode: (value: unknown) => T): Promise<T> =>
      explained(client.get(path, decode)),
    stream: (
      path: string,
      headers: Record<string, string>,
      sent?: StreamOptions,
    ): Promise<ClientStream> => explained(client.stream(path, headers, sent)),
  }
}

function describeRequest({ method, url, status, ms, requestId }: Seen): string {
  const request = requestId === undefined ? '' : ` request ${requestId}`
  return `${method} ${url} ${status ?? 'no answer'} ${ms} ms${request}`
}

function explain(error: unknown, target: Target): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  const { name } = target.host
  if (error.code === 'unauthenticated') {
    if (target.keySource === 'file') {
      return refusedKey(error.message, target, error)
    }
    const next = `correct it, or unset it and run: convox login ${name}`
    return new NotLoggedIn(`${error.message} (the key is from ${target.keySource})`, next, error)
  }
  if (error.code === 'not-found' && UnknownInstance.isSaidBy(error.message)) {
    return new UnknownInstance(error.message, error)
  }
  // Only what happens before an answer has a cause.
  if (error.code === 'rack-unreachable' && error.cause !== undefined && target.whenDown) {
    return new Failure(error.message, target.whenDown, error)
  }
  // A Console's 502 has this code too, but only a handshake has a cause.
  if (error.code !== 'rack-refused' || error.cause === undefined) return error
  if (target.pin === undefined) {
    return new Failure(error.message, `compare and accept it: convox login ${name}`, error)
  }
  const shown = typeof error.cause === 'string' ? error.cause : ''
  return /^[0-9a-f]{64}$/.test(shown) ? changedCertificate(name, target.pin, shown) : error
}

/** Never asked, always refused: this is what somebody in between looks like. */
export function changedCertificate(host: string, trusted: string, shown: string): Failure {
  return new Failure(
    `${host} shows another certificate than the trusted one; somebody may be in between\n` +
      `  trusted: SHA-256 ${trusted}\n  shown:   SHA-256 ${shown}\n` +
      'nothing was sent',
    `if its owner confirms the new one, run: convox login ${host} --fingerprint ${shown}`,
  )
}
