/** For tests: bytes out, bytes back, so that no HTTP library repairs what a test sends. */
import { once } from 'node:events'
import { connect } from 'node:net'

export interface RawAnswer {
  status: number
  /** Lower-case names; repeated ones joined by `, `. */
  headers: Map<string, string>
  body: string
}

/** Sends lines (a head without its empty line, then perhaps a body) and reads until the peer closes. */
export async function rawRequest(port: number, lines: string[], body = ''): Promise<RawAnswer> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(`${lines.join('\r\n')}\r\nConnection: close\r\n\r\n${body}`)
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  await once(socket, 'close')
  return parseAnswer(Buffer.concat(chunks).toString('latin1'))
}

export function parseAnswer(text: string): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [first = '', ...lines] = head.split('\r\n')
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  const body = rest.join('\r\n\r\n')
  const chunked = headers.get('transfer-encoding') === 'chunked'
  const status = Number(first.split(' ')[1] ?? 0)
  return { status, headers, body: chunked ? unchunked(body) : body }
}

function unchunked(body: string): string {
  let text = ''
  let at = 0
  for (;;) {
    const end = body.indexOf('\r\n', at)
    const length = Number.parseInt(body.slice(at, end), 16)
    if (end < 0 || !(length > 0)) return text
    text += body.slice(end + 2, end + 2 + length)
    at = end + 4 + length
  }
}
