/** What a route answers; the listener adds `Request-Id` and the length. */
export interface Answer {
  status: number
  headers: Record<string, string>
  body: string
}

/** Indented by two spaces and ended with a newline, as official Racks write it (protocol.md 6.1). */
export function jsonAnswer(value: unknown): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' },
    body: `${JSON.stringify(value, null, 2)}\n`,
  }
}

export function textAnswer(text: string): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: `${text}\n`,
  }
}

/** Official v3 CLIs recognise a route that a Rack does not have by the empty body (protocol.md 1.7). */
export const NO_SUCH_ROUTE: Readonly<Answer> = { status: 404, headers: {}, body: '' }
