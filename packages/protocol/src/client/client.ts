import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Secret } from '@keyrack/secrets/secret'
import { basicHeader } from '../basic.ts'
import { KeyrackError } from '../errors.ts'
import { FrameStream } from '../stream.ts'
import { answerError } from './answer-error.ts'
import { connectionError, connectPinned } from './connect.ts'

export interface ClientOptions {
  /** `https://host:port`; plain `http:` only for loopback. */
  url: string
  /** Canonical pin; without one the certificate must be vouched for by a CA. */
  pin?: string
  password?: Secret
  /** Sent as `Rack`. */
  rack?: string
  /** Sent as `Session`, a Console's second step. */
  session?: string
  /** The client's version, sent as `Version` and in `User-Agent`. */
  version: string
  /** How long to wait for the head of an answer. */
  timeoutMs?: number
}

export interface RequestOptions {
  form?: Record<string, string>
  json?: unknown
  headers?: Record<string, string>
  signal?: AbortSignal
}

export interface Answer {
  status: number
  headers: Record<string, string>
  body: string
}

export interface Client {
  /** An answer below 400; anything else is thrown, whatever official or own shape it has. */
  request(method: string, path: string, options?: RequestOptions): Promise<Answer>
  get<T>(path: string, decode: (value: unknown) => T): Promise<T>
  /** A WebSocket as a stream of bytes; `end()` sends the end frame. */
  stream(path: string, headers: Record<string, string>, signal?: AbortSignal): Promise<Duplex>
}

const BODY_BYTES_MAX = 64 * 1024 * 1024
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i

/** A client of a Console or a Rack, ours or official. Redirects are never followed. */
export function createClient(options: ClientOptions): Client {
  const url = new URL(options.url)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK.test(url.hostname))) {
    throw new KeyrackError('invalid', `${url.host} would be reached without encryption`, {
      hint: 'use https; plain http is only for this machine itself',
    })
  }
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))

  const headers = (): Record<string, string> => ({
    Accept: 'application/json',
    'User-Agent': `keyrack/${options.version}`,
    Version: options.version,
    ...(options.password === undefined
      ? {}
      : { Authorization: basicHeader(options.password).reveal() }),
    ...(options.rack === undefined ? {} : { Rack: options.rack }),
    ...(options.session === undefined ? {} : { Session: options.session }),
  })

  const connect = (signal?: AbortSignal) =>
    connectPinned({
      host,
      port,
      ...(options.pin === undefined ? {} : { pin: options.pin }),
      ...(signal === undefined ? {} : { signal }),
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    })

  async function open(method: string, path: string, sent: RequestOptions): Promise<ClientRequest> {
    const target = `${url.pathname.replace(/\/$/, '')}${path}`
    const socket = url.protocol === 'https:' ? await connect(sent.signal) : undefined
    return httpRequest({
      method,
      host,
      port,
      path: target,
      headers: { ...headers(), Host: url.host, Connection: 'close', ...sent.headers },
      ...(socket === undefined ? {} : { createConnection: () => socket }),
      ...(sent.signal === undefined ? {} : { signal: sent.signal }),
    })
  }

  async function request(method: string, path: string, sent: RequestOptions = {}): Promise<Answer> {
    const { type, body } = encode(sent)
    const extra = type === undefined ? {} : { 'Content-Type': type }
    const outgoing = await open(method, path, { ...sent, headers: { ...extra, ...sent.headers } })
    const answer = await exchange(outgoing, body, options.timeoutMs ?? 60_000, host, port)
    if (answer.status >= 300) throw answerError(answer, url.host)
    return answer
  }

  return {
    request,
    async get(path, decode) {
      const answer = await request('GET', path)
      return decodeAnswer(answer.body, decode, url.host)
    },
    async stream(path, extra, signal) {
      const { default: WebSocket } = await import('ws')
      const socket = url.protocol === 'https:' ? await connect(signal) : undefined
      const target = `ws://${url.host}${url.pathname.replace(/\/$/, '')}${path}`
      const ws = new WebSocket(target, {
        headers: { ...headers(), Origin: url.origin, ...extra },
        skipUTF8Validation: true,
        perMessageDeflate: false,
        followRedirects: false,
        handshakeTimeout: options.timeoutMs ?? 45_000,
        ...(socket === undefined ? {} : { createConnection: () => socket }),
      })
      // Created at once: frames that arrive with the handshake's answer must find a listener.
      const stream = new FrameStream(ws, { frameBytesMax: 1024 })
      return new Promise<Duplex>((resolve, reject) => {
        stream.once('error', (error) => reject(connectionError(error, host, port)))
        ws.once('unexpected-response', (_request, response) => {
          readBody(response).then(
            (answer) => reject(answerError(answer, url.host)),
            (error) => reject(connectionError(error, host, port)),
          )
        })
        ws.once('open', () => resolve(stream))
      })
    },
  }
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

function exchange(
  outgoing: ClientRequest,
  body: string | undefined,
  timeoutMs: number,
  host: string,
  port: number,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const failed = (error: unknown): void => reject(connectionError(error, host, port))
    outgoing.setTimeout(timeoutMs, () => {
      reject(new KeyrackError('timeout', `${host}:${port} did not answer in time`))
      outgoing.destroy()
    })
    outgoing.once('error', failed)
    outgoing.once('response', (response) => readBody(response).then(resolve, failed))
    outgoing.end(body)
  })
}

async function readBody(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response) {
    length += chunk.length
    if (length > BODY_BYTES_MAX) {
      response.destroy()
      throw new KeyrackError('rack-broken', 'the answer is larger than any real one')
    }
    chunks.push(chunk)
  }
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return { status: response.statusCode ?? 0, headers, body: Buffer.concat(chunks).toString('utf8') }
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
