import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** Nothing here takes seconds; who waits longer waits for an answer that does not come. */
const LIMIT_MS = 60_000

/** For tests: sends exactly these bytes (Latin-1) to a port of this machine and reads until the end. */
export async function sendBytes(port: number, bytes: string, tls = false): Promise<string> {
  const socket = tls
    ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
    : connect(port, '127.0.0.1')
  let answer = ''
  let late = false
  const timer = setTimeout(() => {
    late = true
    socket.destroy()
  }, LIMIT_MS)
  socket.on('error', () => undefined)
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    answer += chunk
  })
  socket.write(bytes, 'latin1')
  // Whoever is refused in the middle of a large body may be hung up on before the answer is read.
  await new Promise((resolve) => socket.once('close', resolve))
  clearTimeout(timer)
  if (late) throw new Error(`the connection was not ended; it said ${JSON.stringify(answer)}`)
  return answer
}
