import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { generate } from 'selfsigned'

const DAY_MS = 24 * 60 * 60 * 1000

export interface TestCertificate {
  cert: string
  key: string
}

/** A self-signed certificate for localhost; valid from yesterday for the given days. */
export async function makeCertificate(
  options: { days?: number; keyPair?: { privateKey: string; publicKey: string } } = {},
): Promise<TestCertificate> {
  const notBeforeDate = new Date(Date.now() - 30 * DAY_MS)
  const made = await generate([{ name: 'commonName', value: 'test rack' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate,
    notAfterDate: new Date(notBeforeDate.getTime() + (options.days ?? 60) * DAY_MS),
    ...(options.keyPair === undefined ? {} : { keyPair: options.keyPair }),
  })
  return { cert: made.cert, key: made.private }
}

export interface TestServer extends AsyncDisposable {
  port: number
  url: string
  /** Everything that clients sent inside TLS (or in plain), as Latin-1. */
  received(): string
  /** How many connections came. */
  connections(): number
}

type Serve = (socket: Socket | TLSSocket, head: string) => void

/**
 * A server that speaks bytes: `serve` is called once per connection as soon as the head of a
 * request is there. Without a certificate it speaks plain TCP.
 */
export async function openServer(
  certificate: TestCertificate | undefined,
  serve: Serve = () => {},
  host = '127.0.0.1',
): Promise<TestServer> {
  const sockets = new Set<Socket>()
  let received = ''
  let connections = 0
  const take = (socket: Socket): void => {
    let mine = ''
    let served = false
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      mine += chunk.toString('latin1')
      received += chunk.toString('latin1')
      if (served || !mine.includes('\r\n\r\n')) return
      served = true
      serve(socket, mine)
    })
  }
  const server =
    certificate === undefined ? createTcpServer(take) : createTlsServer(certificate, take)
  server.on('tlsClientError', () => {})
  server.on('connection', (socket: Socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const shown = host.includes(':') ? `[${host}]` : host
  return {
    port,
    url: `${certificate === undefined ? 'http' : 'https'}://${shown}:${port}`,
    received: () => received,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
