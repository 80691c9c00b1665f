import { once } from 'node:events'
import { createServer as createPlainServer, type ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { loadCertificate } from '@keyrack/server'
import { onTestFinished } from 'vitest'
import { testFolder } from '../../testing/console-domain.ts'

/** An official key is a password that somebody chose. */
export const OFFICIAL_KEY = 'pw/1 ü%+:@'

export interface Asked {
  method: string
  path: string
  password: string
  body: string
}

type Handler = (asked: Asked, response: ServerResponse) => void

export interface OfficialRack {
  /** `localhost:PORT`. */
  host: string
  port: number
  fingerprint: string
  keyFingerprint: string
  asked: Asked[]
  /** Answers instead of the usual ones from now on. */
  handler: Handler | undefined
  /** The same address, another certificate. */
  newCertificate(): Promise<string>
  stop(): Promise<void>
}

export const SYSTEM = {
  count: 3,
  name: 'production',
  provider: 'aws',
  region: 'us-east-1',
  status: 'running',
  type: 't3.small',
  version: '20230627153132',
}

/** What an official v2 Rack does: `ok` as a text, errors as texts, the raw password compared. */
function official(asked: Asked, response: ServerResponse): void {
  if (asked.password !== OFFICIAL_KEY) {
    response.writeHead(401, { 'content-type': 'text/plain' }).end('invalid authentication\n')
  } else if (asked.path === '/auth') {
    response.writeHead(200, { 'content-type': 'text/plain' }).end('ok\n')
  } else if (asked.path === '/system') {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(SYSTEM))
  } else {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n')
  }
}

export async function startOfficialRack(options: { plain?: true } = {}): Promise<OfficialRack> {
  const certificate = await loadCertificate({ folder: testFolder(), names: [] })
  const server = options.plain
    ? createPlainServer()
    : createServer({ cert: certificate.cert, key: certificate.key.reveal() })
  server.on('request', (request, response) => {
    const userinfo = Buffer.from(request.headers.authorization?.slice(6) ?? '', 'base64')
    const password = userinfo.toString('utf8').replace(/^convox:/, '')
    const { method = '', url: path = '' } = request
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text
    })
    request.once('end', () => {
      const asked = { method, path, password, body }
      rack.asked.push(asked)
      ;(rack.handler ?? official)(asked, response)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const stop = async (): Promise<void> => {
    if (!server.listening) return
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
  onTestFinished(stop)
  const rack: OfficialRack = {
    host: `localhost:${port}`,
    port,
    fingerprint: certificate.fingerprint,
    keyFingerprint: certificate.keyFingerprint,
    asked: [],
    handler: undefined,
    async newCertificate() {
      const next = await loadCertificate({ folder: testFolder(), names: [] })
      if ('setSecureContext' in server) {
        server.setSecureContext({ cert: next.cert, key: next.key.reveal() })
      }
      server.closeAllConnections()
      return next.fingerprint
    },
    stop,
  }
  return rack
}
