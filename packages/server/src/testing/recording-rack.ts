import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:tls'
import type { Secret } from '@keyrack/secrets'
import { NotStrict, readRequest, type StrictRequest } from './strict-messages.ts'

/** For tests: a Rack that is a bare TLS socket, so that what arrived there is known to the byte. */
export interface RecordingRack {
  port: number
  /** Complete requests, in the order of their arrival. */
  requests: StrictRequest[]
  /** Why what arrived was not well formed; empty as long as it was. */
  violations: string[]
  /** What was begun on connections that are open and is not complete. */
  unfinished(): string[]
  /** Forgets what was recorded. */
  reset(): void
  close(): Promise<void>
}

/** What it answers; `undefined`: the line of the request itself, so that answers can be told apart. */
export type Reply = (request: StrictRequest) => string | undefined

export async function startRecordingRack(
  certificate: { cert: string; key: Secret },
  reply: Reply = () => undefined,
): Promise<RecordingRack> {
  const { cert, key } = certificate
  const sockets = new Map<Socket, string>()
  let requests: StrictRequest[] = []
  let violations: string[] = []
  const server = createServer({ cert, key: key.reveal() }, (socket) => {
    sockets.set(socket, '')
    socket.on('error', () => socket.destroy())
    socket.once('close', () => sockets.delete(socket))
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      let rest = `${sockets.get(socket) ?? ''}${chunk}`
      try {
        for (let next = readRequest(rest); next !== undefined; next = readRequest(rest)) {
          rest = rest.slice(next.end)
          requests.push(next.request)
          socket.write(answerTo(next.request, reply(next.request)), 'latin1')
        }
        sockets.set(socket, rest)
      } catch (error) {
        if (!(error instanceof NotStrict)) throw error
        violations.push(error.message)
        socket.destroy()
      }
    })
  })
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get requests() {
      return requests
    },
    get violations() {
      return violations
    },
    unfinished: () => [...sockets.values()].filter((rest) => rest !== ''),
    reset() {
      requests = []
      violations = []
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets.keys()) socket.destroy()
      await closed
    },
  }
}

function answerTo(request: StrictRequest, text = `${request.line}\n`): string {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n`
  return request.line.startsWith('HEAD ') ? head : `${head}${text}`
}
