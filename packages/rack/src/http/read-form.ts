import type { IncomingMessage } from 'node:http'
import { KeyrackError } from '@keyrack/protocol'
import { skipBody } from './skip-body.ts'

const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(?:;|$)/i

/**
 * Reads the whole body now; the returned function gives its fields, then those of the query, as
 * official Racks look for options (protocol.md 6.1). A body that is no form is refused only where a
 * route asks for fields: v2 and v3 clients send a type of bytes along with an empty body.
 */
export async function readForm(
  request: IncomingMessage,
  query: string,
): Promise<() => URLSearchParams> {
  const chunks: Buffer[] = []
  await skipBody(request, (chunk) => chunks.push(chunk))
  const body = Buffer.concat(chunks)
  return () => {
    if (body.length > 0 && !FORM_TYPE.test(request.headers['content-type'] ?? '')) {
      throw new KeyrackError('unsupported-type', 'this request must be a form', {
        field: 'Content-Type',
        hint: 'send it as application/x-www-form-urlencoded',
      })
    }
    const fields = new URLSearchParams(body.toString('utf8'))
    for (const [name, value] of new URLSearchParams(query)) fields.append(name, value)
    return fields
  }
}
