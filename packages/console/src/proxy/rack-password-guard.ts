/**
 * A Rack's API key is its `Password` parameter, and whoever sets it through the proxy takes the
 * Rack away from its Console. Requests on the routes that can set it are read whole and refused
 * when any reading of them, ours or Go's, holds that name (protocol.md 5.2, 6.1).
 */
import type { IncomingMessage } from 'node:http'
import { KeyrackError } from '@keyrack/protocol'
import { uploadBody } from './upload-body.ts'

const BODY_BYTES_MAX = 256 * 1024
const FORM = 'application/x-www-form-urlencoded'
const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(?:;\s*(?:charset="?utf-8"?\s*)?)?$/i

/** The body of a guarded request, once it is known not to set the Rack's key. */
export async function readGuardedBody(request: IncomingMessage, query: string): Promise<Buffer> {
  const body = await readAll(request)
  // Only a form can be read here exactly as every Rack reads it, and in no character set but ours.
  if (body.length > 0 && !FORM_TYPE.test(request.headers['content-type'] ?? '')) {
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
  if (namesPassword(query) || namesPassword(body.toString('utf8'))) {
    throw new KeyrackError('forbidden', 'the Password of a Rack is its API key, held by Console', {
      field: 'Password',
      hint: 'to change it, run: convox rack key roll <org/rack>',
    })
  }
  return body
}

/** Racks read a form inside a form; two more levels than that cost nothing. */
const FORM_LEVELS = 4

/**
 * Whether a form has a field called `password`, in any case and with any brackets, quotes, dots or
 * invisible characters around it, itself or inside a value that is a form or JSON. `;` separates
 * too, or does not: Go before 1.17 read it so.
 */
function namesPassword(form: string, levels = FORM_LEVELS): boolean {
  if (levels === 0) return false
  const pairs = new Set([...form.split(/[&;]/), ...form.split('&')])
  return [...pairs].some((pair) => {
    // Not split at more than the first `=`: what follows may be a form of its own.
    const [name, value] = [...new URLSearchParams(pair)][0] ?? ['', '']
    return isPassword(name) || JSON_MEMBER.test(plain(value)) || namesPassword(value, levels - 1)
  })
}

/** Compatibility forms, such as full-width letters, in the way in which a lenient reader folds them. */
function plain(text: string): string {
  return text.normalize('NFKC').toLowerCase()
}

function isPassword(name: string): boolean {
  return /^(?:.*[[.])?[^a-z0-9_-]*password[^a-z0-9_-]*$/s.test(plain(name))
}

/** Also with letters written as escapes, so any escaped letter at all before the colon counts. */
const JSON_MEMBER = /"(?:password|[^"]*\\u00[4-7][^"]*)"\s*:/

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of uploadBody(request)) {
    length += chunk.length
    if (length > BODY_BYTES_MAX) {
      throw new KeyrackError('too-large', 'the parameters are larger than 256 KiB')
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
