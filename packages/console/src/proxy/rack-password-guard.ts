/**
 * A Rack's API key is its `Password` parameter, and whoever sets it through the proxy takes the
 * Rack away from its Console. Requests on the routes that can set it are read whole and refused
 * when any reading of them, ours or Go's, holds that name (protocol.md 5.2, 6.1).
 */
import type { IncomingMessage } from 'node:http'
import { KeyrackError } from '@keyrack/protocol'

const BODY_BYTES_MAX = 256 * 1024
const FORM = 'application/x-www-form-urlencoded'

/** The body of a guarded request, once it is known not to set the Rack's key. */
export async function readGuardedBody(request: IncomingMessage, query: string): Promise<Buffer> {
  const body = await readAll(request)
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  // Only a form can be read here exactly as every Rack reads it.
  if (body.length > 0 && type !== FORM) {
    throw new KeyrackError('unsupported-type', 'this request must be a form', {
      field: 'Content-Type',
      hint: `send it as ${FORM}`,
    })
  }
  if (request.headers['content-encoding'] !== undefined) {
    throw new KeyrackError('unsupported-type', 'this request must not be compressed', {
      field: 'Content-Encoding',
    })
  }
  if (namesPassword(query, 2) || namesPassword(body.toString('utf8'), 2)) {
    throw new KeyrackError('forbidden', 'the Password of a Rack is its API key, held by Console', {
      field: 'Password',
      hint: 'to change it, run: convox rack key roll <org/rack>',
    })
  }
  return body
}

/**
 * Whether a form has a field called `password`, in any case, itself or inside a value that is a
 * form again. `;` separates too: Go before 1.17 read it so.
 */
function namesPassword(form: string, depth: number): boolean {
  if (depth === 0) return false
  return form.split(/[&;]/).some((pair) => {
    const [name, value] = [...new URLSearchParams(pair)][0] ?? ['', '']
    if (name.trim().toLowerCase() === 'password') return true
    return namesPassword(value, depth - 1)
  })
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    length += chunk.length
    if (length > BODY_BYTES_MAX) {
      throw new KeyrackError('too-large', 'the parameters are larger than 256 KiB')
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
