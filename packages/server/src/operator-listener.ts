// The operator's door: health, metrics and admin commands. Loopback only. A web page in a browser
// on the same machine can reach loopback too, so requests that a browser makes for a page (Origin,
// Sec-Fetch-Site) and host names that are not loopback (DNS rebinding, CWE-350) are refused.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { KeyrackError } from '@keyrack/protocol'
import { errorResponse } from './error-response.ts'
import type { Health, HealthAnswer } from './health.ts'
import { type Listening, listen } from './listen.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'
import { requestId } from './request-id.ts'

/** Answers by itself, or throws a KeyrackError. */
export type OperatorRoute = (
  request: IncomingMessage,
  response: ServerResponse,
) => Promise<void> | void

export interface OperatorOptions {
  /** 0 asks the system for a free port. */
  port: number
  health: Health
  metrics: Metrics
  log: Logger
  /** Admin commands, by 'METHOD /path'. */
  routes?: Record<string, OperatorRoute>
  /** The setting that chose the port. */
  variable?: string
}

export type OperatorListener = Listening

const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i

export async function openOperatorListener(options: OperatorOptions): Promise<OperatorListener> {
  const { health, metrics, log, port, variable = 'OPERATOR_PORT' } = options
  const routes = new Map<string, OperatorRoute>([
    ['GET /livez', (_request, response) => send(response, health.livez())],
    ['GET /readyz', async (_request, response) => send(response, await health.readyz())],
    [
      'GET /metrics',
      async (_request, response) => {
        const headers = { 'content-type': metrics.contentType, 'cache-control': 'no-store' }
        send(response, { status: 200, headers, body: await metrics.text() })
      },
    ],
    ...Object.entries(options.routes ?? {}),
  ])

  const server = createServer(async (request, response) => {
    const id = requestId(headerOf(request, 'request-id'))
    response.setHeader('request-id', id)
    try {
      assertLocal(request)
      const [path] = (request.url ?? '/').split('?')
      // Some probes send HEAD; node:http leaves the body out by itself.
      const method = request.method === 'HEAD' ? 'GET' : request.method
      const route = routes.get(`${method} ${path}`)
      if (route === undefined) throw new KeyrackError('not-found', 'there is nothing here')
      await route(request, response)
    } catch (error) {
      const answer = errorResponse(error, id)
      if (answer.status >= 500) log.error({ err: error, requestId: id }, 'operator request failed')
      if (response.headersSent) response.destroy()
      else send(response, answer)
    }
  })
  return await listen(server, { port, host: '127.0.0.1', variable })
}

function assertLocal(request: IncomingMessage): void {
  const host = headerOf(request, 'host') ?? ''
  const fromPage =
    request.headers.origin !== undefined || request.headers['sec-fetch-site'] !== undefined
  if (fromPage || !LOOPBACK_HOST.test(host)) {
    throw new KeyrackError('forbidden', 'the operator listener answers local programs only')
  }
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}

function send(response: ServerResponse, answer: HealthAnswer): void {
  response.writeHead(answer.status, {
    ...answer.headers,
    'content-length': Buffer.byteLength(answer.body),
  })
  response.end(answer.body)
}
