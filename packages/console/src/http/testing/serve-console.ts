import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import { loadCertificate } from '@keyrack/server'
import { beforeAll, onTestFinished } from 'vitest'
import { openListeners } from '../../listeners.ts'
import { createProxy } from '../../proxy/index.ts'
import { localRackRow } from '../../racks/local-rack-row.ts'
import {
  type AtEnd,
  founder,
  openDomain,
  PASSWORD,
  type TestDomain,
  testFolder,
} from '../../testing/console-domain.ts'
import { beforeDirectory } from '../before-directory.ts'
import { createHandler } from '../handler.ts'
import { createKeyAuthenticator } from '../key-authenticator.ts'

export interface Ask {
  method?: string
  headers?: Record<string, string | string[]>
  /** An object is sent as JSON, URLSearchParams as a form. */
  body?: unknown
  key?: string
  cookie?: string
  tls?: boolean
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
  json: unknown
}

export interface ServedConsole {
  domain: TestDomain
  port: number
  tlsPort: number
  fingerprint: string
  ask(path: string, options?: Ask): Promise<Answer>
}

/**
 * The real handler on real sockets, with a real database and the real proxy. The local Rack has its
 * row but no process, so a request that is proxied to it is answered 503.
 */
export async function serveConsole(
  env: Record<string, string> = {},
  atEnd: AtEnd = onTestFinished,
): Promise<ServedConsole> {
  const folder = testFolder(atEnd)
  const domain = await openDomain(folder, { env }, atEnd)
  const { config, directory, keyring, audit } = domain
  await localRackRow(domain, keyring, folder)
  const authenticate = createKeyAuthenticator(domain)
  const { rackNetworks } = config
  const failed = (error: unknown): void => domain.log.error({ err: error }, 'stream')
  const proxy = createProxy({
    directory,
    keyring,
    audit,
    rolls: domain.rolls,
    rackNetworks,
    authenticate,
    beforeDirectory: (authorization) => beforeDirectory(domain, authorization),
    failed,
  })
  const certificate = await loadCertificate({ folder: join(folder, 'tls'), names: [] })
  const login = { host: 'localhost:3443', fingerprint: certificate.fingerprint }
  const handler = createHandler({ context: domain, proxy, authenticate, login })
  const ports = { port: 0, tlsPort: 0, host: '127.0.0.1' }
  const listeners = await openListeners(handler, ports, certificate)
  await domain.rolls.start()
  atEnd(async () => {
    await listeners.close(0)
    await proxy.close()
    await domain.rolls.stop()
  })
  const { port } = listeners.plain
  const tlsPort = listeners.tls.port
  const ask = (path: string, options: Ask = {}) =>
    askServer(options.tls === true ? tlsPort : port, path, options)
  return { domain, port, tlsPort, fingerprint: certificate.fingerprint, ask }
}

export function basic(key: string): string {
  return `Basic ${Buffer.from(`convox:${key}`).toString('base64')}`
}

function askServer(port: number, path: string, options: Ask): Promise<Answer> {
  const { body, type } = encode(options.body)
  const headers: Record<string, string | string[]> = { host: `localhost:${port}` }
  if (type !== undefined) headers['content-type'] = type
  if (options.key !== undefined) headers.authorization = basic(options.key)
  if (options.cookie !== undefined) headers.cookie = options.cookie
  const target = {
    host: '127.0.0.1',
    port,
    path,
    method: options.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { ...headers, ...options.headers },
    agent: false,
    // The certificate is not what these tests are about.
    rejectUnauthorized: false,
  } as const
  return new Promise((resolve, reject) => {
    const send = options.tls === true ? httpsRequest : httpRequest
    const req = send(target, (res) => {
      let text = ''
      res.setEncoding('utf8')
      res.on('data', (chunk: string) => {
        text += chunk
      })
      res.once('error', reject)
      res.once('end', () => {
        resolve({ status: res.statusCode ?? 0, headers: res.headers, text, json: parsed(text) })
      })
    })
    req.once('error', reject)
    req.end(body)
  })
}

function encode(body: unknown): { body?: string | Buffer; type?: string } {
  if (body === undefined) return {}
  if (typeof body === 'string' || Buffer.isBuffer(body)) return { body }
  if (body instanceof URLSearchParams) {
    return { body: body.toString(), type: 'application/x-www-form-urlencoded' }
  }
  return { body: JSON.stringify(body), type: 'application/json' }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The session cookie of an answer, ready to be sent back. */
export function cookieOf(answer: Answer): string {
  const [line = ''] = answer.headers['set-cookie'] ?? []
  return line.split(';', 1)[0] ?? ''
}

/** A Console with its first account, `ada@example.com` of `acme`, and her key. */
export async function serveFounded(
  env: Record<string, string> = {},
  atEnd: AtEnd = onTestFinished,
) {
  const served = await serveConsole(env, atEnd)
  const account = await founder(served.domain)
  return { ...served, account, key: account.apiKey.reveal() }
}

/** Signs the founder in as a browser does; the answer is her cookie. */
export async function signInFounder(ask: ServedConsole['ask']): Promise<string> {
  const body = { email: 'ada@example.com', password: PASSWORD }
  return cookieOf(await ask('/api/sign-in', { body }))
}

type Founded = Awaited<ReturnType<typeof serveFounded>>

/** One such Console for all tests of a file. */
export function shareFounded(env: Record<string, string> = {}): () => Founded {
  let shared: Founded | undefined
  beforeAll(async () => {
    const ends: Array<() => void | Promise<void>> = []
    shared = await serveFounded(env, (end) => ends.unshift(end))
    return async () => {
      for (const end of ends) await end()
    }
  })
  return () => {
    if (shared === undefined) throw new TypeError('the shared Console runs within tests only')
    return shared
  }
}
