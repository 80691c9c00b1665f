import { type ClientRequest, request as httpRequest } from 'node:http'
import type { LookupFunction } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Secret } from '@keyrack/secrets/secret'
import { basicHeader } from '../basic.ts'
import { KeyrackError } from '../errors.ts'
import { toHeader } from '../header-text.ts'
import { FRAME_SOCKET_OPTIONS, type FrameStreamOptions } from '../stream.ts'
import { answerError, hungUpOnHead } from './answer-error.ts'
import { connectionError, connectPinned } from './connect.ts'
import { type Answer, exchange } from './exchange.ts'
import { type ClientStream, openStream } from './open-stream.ts'
import type { HttpProxy } from './open-tunnel.ts'
import { type See, watch } from './watch.ts'

export type { Answer } from './exchange.ts'
export type { ClientStream } from './open-stream.ts'
export type { Seen } from './watch.ts'

export interface ClientOptions {
  /** `https://host:port`; plain `http:` only for loopback. */
  url: string
  /** Canonical pin; without one the certificate must be vouched for by a CA. */
  pin?: string
  password?: Secret
  /** The user beside the password; `jwt` for access tokens. */
  user?: string
  /** Sent as `Rack`. */
  rack?: string
  /** Sent as `Session`, a Console's second step. */
  session?: string
  /** The client's version, sent in `User-Agent`. */
  version: string
  /** How long to wait for the head of an answer, then for each next part of it. */
  timeoutMs?: number
  /** The longest answer that is read. */
  answerBytesMax?: number
  /** Resolves names, see `connectPinned`. */
  lookup?: LookupFunction
  /** Connects to an https host on our behalf. */
  proxy?: HttpProxy
  /** Told of each request when it has been answered, or has failed. */
  see?: See
}

export interface RequestOptions {
  form?: Record<string, string>
  json?: unknown
  headers?: Record<string, string>
  signal?: AbortSignal
  /** An answer of any status is returned: for those who have to know which one it was. */
  anyStatus?: true
}

export interface StreamOptions extends Pick<FrameStreamOptions, 'endUnsaid'> {
  signal?: AbortSignal
}

export interface Client {
  /** An answer below 300; anything else is thrown, whatever official or own shape it has. */
  request(method: string, path: string, options?: RequestOptions): Promise<Answer>
  get<T>(path: string, decode: (value: unknown) => T): Promise<T>
  /** A WebSocket as a stream of bytes; `end()` sends the end frame. */
  stream(
    path: string,
    headers: Record<string, string>,
    options?: StreamOptions,
  ): Promise<ClientStream>
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i

/** A client of a Console or a Rack, ours or official. Redirects are never followed. */
export function createClient(options: ClientOptions): Client {
  const url = parseUrl(options.url)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
  const prefix = url.pathname.replace(/\/$/, '')
  const timeoutMs = options.timeoutMs ?? 60_000

  const headers = (extra: Record<string, string>): Record<string, string> => {
    const sent: Record<string, string> = {
      Accept: 'application/json',
      Host: url.host,
      'User-Agent': `keyrack/${options.version}`,
      // As official clients do: Racks of 2015 and 2016 refuse versions that sort before their own kind's.
      Version: 'dev',
      ...(options.password === undefined
        ? {}
        : { Authorization: basicHeader(options.password, options.user).reveal() }),
      ...(options.rack === undefined ? {} : { Rack: options.rack }),
      ...(options.session === undefined ? {} : { Session: options.session }),
      ...extra,
    }
    for (const [name, value] of Object.entries(sent)) sent[name] = toHeader(name, value)
    return sent
  }

  /** A verified TLS connection; none for plain HTTP, where Node connects by itself. */
  async function connect(signal: AbortSignal | undefined) {
    if (url.protocol !== 'https:') return undefined
    return connectPinned({
      host,
      port,
      ...(options.pin === undefined ? {} : { pin: options.pin }),
      ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
      ...(options.proxy === undefined ? {} : { proxy: options.proxy }),
      ...(signal === undefined ? {} : { signal }),
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    })
  }

  /** Builds what speaks over a connection; a connection that it refuses to take is closed. */
  async function over<T>(
    signal: AbortSignal | undefined,
    build: (connection: { createConnection?: () => TLSSocket }) => T,
  ): Promise<T> {
    const socket = await connect(signal)
    try {
      return build(socket === undefined ? {} : { createConnection: () => socket })
    } catch (error) {
      socket?.destroy()
      throw error
    }
  }

  async function send(method: string, path: string, sent: RequestOptions): Promise<Answer> {
    const { type, body } = encode(sent)
    const extra = type === undefined ? {} : { 'Content-Type': type }
    const all = headers({ Connection: 'close', ...extra, ...sent.headers })
    const outgoing = await over(sent.signal, (connection): ClientRequest => {
      const signal = sent.signal === undefined ? {} : { signal: sent.signal }
      const target = { method, host, port, path: `${prefix}${path}` }
      return httpRequest({ ...target, headers: all, ...connection, ...signal })
    })
    return exchange(outgoing, body, { timeoutMs, bytesMax: options.answerBytesMax })
  }

  const explain = (error: unknown, signal: AbortSignal | undefined): unknown =>
    error instanceof TypeError ? error : connectionError(error, host, port, signal)

  async function request(method: string, path: string, sent: RequestOptions = {}): Promise<Answer> {
    const seen = watch(options.see, method, `${url.origin}${prefix}${path}`)
    const answer = await send(method, path, sent).catch((error: unknown) => {
      throw seen.failed(explain(error, sent.signal))
    })
    const { 'request-id': id, 'x-request-id': ofConsole } = answer.headers
    seen.answered(answer.status, id ?? ofConsole)
    if (answer.status >= 300 && sent.anyStatus !== true) throw answerError(answer, url.host)
    return answer
  }

  return {
    request,
    async get(path, decode) {
      const answer = await request('GET', path)
      return decodeAnswer(answer.body, decode, url.host)
    },
    async stream(path, extra, { signal, ...framing } = {}) {
      const { default: WebSocket } = await import('ws')
      const all = headers({ Origin: url.origin, ...extra })
      const seen = watch(options.see, 'GET', `${url.origin}${prefix}${path}`)
      try {
        const ws = await over(signal, (connection) => {
          const target = `ws://${url.host}${prefix}${path}`
          return new WebSocket(target, { ...FRAME_SOCKET_OPTIONS, headers: all, ...connection })
        })
        const stream = await openStream(ws, { host: url.host, timeoutMs, signal, ...framing })
        seen.answered(101, stream.requestId)
        return stream
      } catch (error) {
        throw seen.failed(hungUpOnHead(error, all, url.host) ?? explain(error, signal))
      }
    },
  }
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text)) {
    throw new KeyrackError('invalid', 'the address of the server cannot be read', {
      field: 'url',
      hint: 'give it as https://host or https://host:port',
    })
  }
  const url = new URL(text)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK.test(url.hostname))) {
    throw new KeyrackError('invalid', `${url.host} would be reached without encryption`, {
      field: 'url',
      hint: 'use https; plain http is only for this machine itself',
    })
  }
  if (url.username !== '' || url.password !== '') {
    throw new KeyrackError('invalid', 'the address of the server holds a password', {
      field: 'url',
      hint: 'give the address and the password apart',
    })
  }
  return url
}

function encode(sent: RequestOptions): { type?: string; body?: string } {
  if (sent.json !== undefined) {
    return { type: 'application/json', body: JSON.stringify(sent.json) }
  }
  if (sent.form !== undefined) {
    const body = new URLSearchParams(sent.form).toString()
    return { type: 'application/x-www-form-urlencoded', body }
  }
  return {}
}

function decodeAnswer<T>(body: string, decode: (value: unknown) => T, host: string): T {
  try {
    return decode(JSON.parse(body))
  } catch (cause) {
    throw new KeyrackError('rack-broken', `${host} gave an answer that cannot be understood`, {
      cause,
      hint: 'is this a Console or a Rack?',
    })
  }
}
