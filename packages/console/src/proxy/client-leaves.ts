/** The moment a client's connection closes, told once; however much of its answer is out. */
import type { IncomingMessage } from 'node:http'

/**
 * Calls back when the connection closes, at once if it is closed already. The answer's own `close`
 * would not do: a pipelined answer that has not had its turn never gets one. Returns how to stop.
 */
export function whenClientLeaves({ socket }: IncomingMessage, leave: () => void): () => void {
  if (socket.destroyed) {
    leave()
    return () => undefined
  }
  // One listener for each pipelined request is no leak.
  socket.setMaxListeners(0)
  socket.once('close', leave)
  return () => socket.off('close', leave)
}
