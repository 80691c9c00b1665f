import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import type { Secret } from '@keyrack/secrets/secret'
import { basicHeader } from '../basic.ts'
import { KeyrackError } from '../errors.ts'

/** An HTTP proxy that connects to a host on our behalf (RFC 9110 9.3.6). */
export interface HttpProxy {
  host: string
  port: number
  /** Whether the proxy itself is spoken to over TLS; a CA must vouch for it then. */
  tls: boolean
  /** What the proxy wants to know who we are. No message quotes it. */
  login?: { user: string; password: Secret }
}

export interface TunnelOptions {
  host: string
  port: number
  signal?: AbortSignal | undefined
  timeoutMs: number
}

/**
 * A connection to `host:port` through the proxy. What follows on it, the TLS handshake with the
 * host first of all, is between us and the host: the proxy sees names and lengths.
 */
export function openTunnel(proxy: HttpProxy, options: TunnelOptions): Promise<Socket> {
  const { host, port, signal, timeoutMs } = options
  const target = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const { login } = proxy
  const request = (proxy.tls ? httpsRequest : httpRequest)({
    method: 'CONNECT',
    host: proxy.host,
    port: proxy.port,
    path: target,
    // Never from a pool: the connection becomes the tunnel.
    agent: false,
    headers: {
      Host: target,
      ...(login === undefined
        ? {}
        : { 'Proxy-Authorization': basicHeader(login.password, login.user).reveal() }),
    },
    ...(signal === undefined ? {} : { signal }),
  })
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      reject(new KeyrackError('timeout', `${nameOf(proxy)} did not answer in time`))
      request.destroy()
    }, timeoutMs)
    request.once('close', () => clearTimeout(late))
    request.on('error', (error) => reject(signal?.aborted ? error : unreachable(proxy, error)))
    request.once('response', (answer: IncomingMessage) => {
      answer.resume()
      reject(refused(proxy, target, answer.statusCode ?? 0))
      request.destroy()
    })
    request.once('connect', (answer: IncomingMessage, socket: Socket, head: Buffer) => {
      clearTimeout(late)
      const status = answer.statusCode ?? 0
      if (status >= 200 && status < 300 && head.length === 0) {
        // Until the TLS layer takes it over, nobody else would hear an error.
        socket.on('error', () => {})
        resolve(socket)
        return
      }
      socket.destroy()
      // A TLS server never speaks first, so these bytes are of somebody else.
      reject(status < 300 ? broken(proxy) : refused(proxy, target, status))
    })
    request.end()
  })
}

function refused(proxy: HttpProxy, target: string, status: number): KeyrackError {
  if (status === 407) {
    return new KeyrackError(
      'rack-unreachable',
      proxy.login === undefined
        ? `${nameOf(proxy)} wants to know who you are`
        : `${nameOf(proxy)} does not accept the user and the password in HTTPS_PROXY`,
      { hint: `set HTTPS_PROXY=${addressOf(proxy, 'USER:PASSWORD@')}` },
    )
  }
  return new KeyrackError(
    'rack-unreachable',
    `${nameOf(proxy)} refuses to connect to ${target} (it answered ${status})`,
    { hint: `allow it there, or go without the proxy: ${without(target)}` },
  )
}

function broken(proxy: HttpProxy): KeyrackError {
  return new KeyrackError(
    'rack-unreachable',
    `${nameOf(proxy)} gave an answer that cannot be understood`,
    { hint: 'is HTTPS_PROXY the address of a proxy?' },
  )
}

function unreachable(proxy: HttpProxy, error: Error & { code?: unknown }): KeyrackError {
  const code = String(error.code ?? '')
  if (code.startsWith('HPE_')) return broken(proxy)
  const why = code === 'ENOTFOUND' || code === 'EAI_AGAIN' ? 'its name cannot be resolved' : code
  return new KeyrackError(
    'rack-unreachable',
    `${nameOf(proxy)} cannot be reached${why === '' ? '' : ` (${why})`}`,
    { cause: error, hint: 'correct HTTPS_PROXY, or unset it' },
  )
}

function without(target: string): string {
  return `NO_PROXY=${target.replace(/:\d+$/, '')}`
}

function nameOf(proxy: HttpProxy): string {
  return `the proxy ${proxy.host}:${proxy.port}`
}

function addressOf({ tls, host, port }: HttpProxy, login: string): string {
  const shown = host.includes(':') ? `[${host}]` : host
  return `${tls ? 'https' : 'http'}://${login}${shown}:${port}`
}
