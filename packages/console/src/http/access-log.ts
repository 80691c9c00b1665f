import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ConsoleContext } from '../context.ts'
import type { RequestFacts } from './edge.ts'

type LogContext = Pick<ConsoleContext, 'log' | 'clock' | 'metrics'>

/**
 * One line per request when it is over. It names the route by its pattern: a path can hold names
 * and a query can hold anything, so neither is written (CWE-532).
 */
export function logWhenDone(context: LogContext, facts: RequestFacts, res: ServerResponse): void {
  res.once('close', () => {
    // Without the end of the answer the client has gone: nginx's 499 is the known word for it.
    write(context, facts, res.writableFinished || res.headersSent ? res.statusCode : 499)
  })
}

/** The same for a WebSocket, which has its status by the time it is over. */
export function logSocketWhenDone(
  context: LogContext,
  facts: RequestFacts,
  socket: Duplex,
  status: () => number,
): void {
  socket.once('close', () => write(context, facts, status()))
}

/** The reason behind a 5xx, which the answer does not give. */
export function logFailure(
  { log }: Pick<LogContext, 'log'>,
  facts: RequestFacts,
  status: number,
  error: unknown,
): void {
  if (status >= 500) log.error({ request_id: facts.requestId, err: error }, 'request failed')
}

function write(
  { log, clock, metrics }: LogContext,
  { requestId, actorId, route, method, startedAt }: RequestFacts,
  status: number,
): void {
  const ms = clock() - startedAt
  log.info({ request_id: requestId, actor: actorId, route, status, ms }, 'request')
  metrics.httpRequest({ route, method, status, seconds: ms / 1000 })
}
