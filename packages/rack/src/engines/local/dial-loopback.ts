import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** How long an SSH server on this machine may take to say its name before it counts as stuck. */
const ANSWER_MS = 1_000

/** A connection to a port of this machine. The signal ends the attempt, not the connection. */
export async function dialLoopback(port: number, signal?: AbortSignal): Promise<Socket> {
  signal?.throwIfAborted()
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  try {
    await once(socket, 'connect', signal === undefined ? {} : { signal })
    return socket
  } catch (error) {
    socket.on('error', () => {})
    socket.destroy()
    throw error
  }
}

/** Whether an SSH server says its name there (RFC 4253 section 4.2). */
export async function sshAnswers(port: number): Promise<boolean> {
  const signal = AbortSignal.timeout(ANSWER_MS)
  let socket: Socket | undefined
  try {
    socket = await dialLoopback(port, signal)
    const [greeting] = await once(socket, 'data', { signal })
    return String(greeting).startsWith('SSH-2.0-')
  } catch {
    return false
  } finally {
    socket?.on('error', () => {})
    socket?.destroy()
  }
}
