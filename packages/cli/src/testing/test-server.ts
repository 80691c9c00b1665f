import { once } from 'node:events'
import { createServer as createPlainServer, type IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { makeCertificate, type TestCertificate } from './certificate.ts'

export interface Asked {
  method: string
  path: string
  headers: IncomingMessage['headers']
  /** The password of the Basic header. */
  password: string | undefined
  /** Complete by the time the answer has been received. */
  body: string
}

export interface Told {
  status?: number
  /** A text goes out as it is, anything else as JSON. */
  body?: unknown
  headers?: Record<string, string>
}

export interface TestServer {
  /** As a person types it. */
  host: string
  fingerprint: string
  certificate: TestCertificate
  asked: Asked[]
  close(): Promise<void>
}

export interface Behaviour {
  answer(asked: Asked): Told
  socket?(ws: WebSocket, asked: Asked): void
  /** Headers of the answer that opens a stream: `Name: value`. */
  streamHead?: string[]
}

/** A real server that answers as it is told to and remembers what it was asked. */
export async function startServer(
  behaviour: Behaviour,
  options: { certificate?: TestCertificate; port?: number; plain?: true } = {},
): Promise<TestServer> {
  const certificate = options.certificate ?? (await makeCertificate())
  const asked: Asked[] = []
  const record = (request: IncomingMessage): Asked => {
    const entry = readAsked(request)
    asked.push(entry)
    return entry
  }
  const server = options.plain ? createPlainServer() : createServer({ ...certificate })
  server.on('request', async (request: IncomingMessage, response) => {
    const entry = record(request)
    entry.body = await readText(request)
    const { status = 200, body = '', headers = {} } = behaviour.answer(entry)
    response.writeHead(status, headers)
    response.end(typeof body === 'string' ? body : `${JSON.stringify(body, null, 2)}\n`)
  })
  const sockets = new WebSocketServer({ noServer: true, skipUTF8Validation: true })
  sockets.on('headers', (headers) => headers.push(...(behaviour.streamHead ?? [])))
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const entry = record(request)
    sockets.handleUpgrade(request, socket, head, (ws) => behaviour.socket?.(ws, entry))
  })
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    host: `localhost:${port}`,
    fingerprint: certificate.fingerprint,
    certificate,
    asked,
    async close() {
      for (const ws of sockets.clients) ws.terminate()
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

export interface ConsoleState {
  /** Key -> the e-mail of its owner. */
  keys: Map<string, string>
  racks: { name: string; status: string }[]
}

/** What a Console answers; `organization/rack` names, every Rack the same three instances. */
export function consoleBehaviour(state: ConsoleState): Behaviour {
  return {
    answer({ method, path, password }) {
      const email = state.keys.get(password ?? '')
      if (email === undefined) return { status: 401, body: { error: 'this key is not valid' } }
      if (path === '/auth') return { body: { id: 'u-1' } }
      if (path === '/api/account') {
        return { body: { id: 'u-1', email, organizations: [{ id: 'o-1', name: 'acme' }] } }
      }
      if (path === '/racks') return { body: state.racks.map(rackEntry) }
      if (path === '/system') return { body: SYSTEM }
      if (path === '/instances') return { body: INSTANCES }
      if (method === 'DELETE' && path === '/instances/i-1') return { body: { success: true } }
      return { status: 404, body: { error: 'there is no such instance' } }
    },
  }
}

export const SYSTEM = {
  count: 3,
  domain: 'dev.example.com',
  name: 'dev',
  provider: 'local',
  region: 'here',
  status: 'running',
  version: '20260101000000',
}

export const INSTANCES = [
  {
    ...{ agent: true, cpu: 0.5, id: 'i-1', memory: 0.25, 'private-ip': '10.0.0.1', processes: 2 },
    ...{ 'public-ip': '', started: '2020-01-01T00:00:00Z', status: 'running', future: 'field' },
  },
]

function rackEntry({ name, status }: { name: string; status: string }): unknown {
  const [organization, rack] = name.split('/')
  return { name: rack, organization: { id: 'o-1', name: organization }, status, provider: 'local' }
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

function readAsked(request: IncomingMessage): Asked {
  const encoded = request.headers.authorization?.replace(/^Basic /, '') ?? ''
  const userinfo = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = userinfo.indexOf(':')
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    headers: request.headers,
    password: colon < 0 ? undefined : userinfo.slice(colon + 1),
    body: '',
  }
}
