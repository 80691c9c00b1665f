import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ConsoleContext } from '../context.ts'
import type { RequestFacts } from './edge.ts'

type LogContext = Pick<ConsoleContext, 'log' | 'clock' | 'metrics'>

/**
 * One line per request when it is over. It names the route by its pattern: a path can hold names
 * and a query can hold anything, so neither is written (CWE-532).
 */
export function logWhenDone(
  context: LogContext,
  facts: RequestFacts,
  { socket }: IncomingMessage,
  res: ServerResponse,
): void {
  const open = openRequests(socket)
  const done = (): void => {
    if (!open.delete(done)) return
    // An answer that waits behind another one of its connection has no socket yet.
    const begun = res.writableFinished || (res.headersSent && res.socket !== null)
    // Without the end of the answer the client has gone: nginx's 499 is the known word for it.
    write(context, facts, begun ? res.statusCode : 499)
  }
  open.add(done)
  res.once('close', done)
}

const onSockets = new WeakMap<Duplex, Set<() => void>>()

/** What is not over yet on a connection: an answer that never gets its turn is not closed by Node. */
function openRequests(socket: Duplex): Set<() => void> {
  const known = onSockets.get(socket)
  if (known !== undefined) return known
  const open = new Set<() => void>()
  onSockets.set(socket, open)
  socket.once('close', () => {
    for (const done of open) done()
  })
  return open
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
