import type { Secret } from '@keyrack/secrets/secret'
import { signatureFits, signText } from '@keyrack/secrets/signing-key'
import { z } from 'zod'

/**
 * The header by which a Console tells one of our Racks on whose behalf it asks. Official ones take a
 * plain name from whoever has the Rack's key, so anybody with the key can be anybody (security.md 1,
 * C9); this is signed with the key that the Console registered, for one request to one Rack.
 */
export const ACTOR_HEADER = 'keyrack-actor'

/** No header of a server takes more. */
const HEADER_LENGTH_MAX = 8_000

const name = z.string().min(1).max(400)
const id = z.string().regex(/^[\w.-]{1,64}$/)

export const ActorStatement = z.strictObject({
  console: id,
  /** The id that the Rack gives itself. */
  rack: id,
  actor: name,
  /** `DELETE /instances/i-1`, as `auditTarget` writes it. */
  target: z.string().max(600),
  request: name,
  /** The row of the Console's audit log that says this was going to happen. */
  row: z.strictObject({
    chain: id,
    sequence: z.number().int().positive(),
    hash: z.string().regex(/^[0-9a-f]{64}$/),
  }),
})
export type ActorStatement = z.infer<typeof ActorStatement>

/** What is recorded of a request: without the query, which may hold anything. */
export function auditTarget(method: string, path: string): string {
  return `${method} ${path.slice(0, 500)}`
}

/** The value of the header: the statement and its signature, both base64url. */
export function signActor(statement: ActorStatement, privateKey: Secret): string {
  const payload = Buffer.from(JSON.stringify(statement), 'utf8').toString('base64url')
  return `${payload}.${signText(privateKey, signedText(payload))}`
}

/** The statement of a header that is signed with this key; undefined for everything else. */
export function readActor(header: string, publicKey: string): ActorStatement | undefined {
  if (header.length > HEADER_LENGTH_MAX) return undefined
  const [payload = '', signature = '', more] = header.split('.')
  if (more !== undefined || !/^[\w-]+$/.test(payload)) return undefined
  if (!signatureFits(publicKey, signedText(payload), signature)) return undefined
  try {
    const value: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    return ActorStatement.safeParse(value).data
  } catch {
    return undefined
  }
}

function signedText(payload: string): string {
  return `keyrack-actor-1\n${payload}`
}

/** One write as the Rack itself recorded it: `GET /system/audit`. */
export const RackAction = z.object({
  id: z.number().int().positive(),
  at: z.number(),
  request_id: z.string(),
  /** Null where the key of the Rack was used directly, or a token. */
  actor: z.string().nullable(),
  action: z.string(),
  target: z.string(),
  address: z.string(),
  /** `key ID` or `token ID`, never either of them itself. */
  credential: z.string(),
  outcome: z.enum(['started', 'succeeded', 'failed', 'unknown']),
  status: z.number().nullable(),
  /** The signed header, so that it can be checked again by anybody who knows the Console's key. */
  statement: z.string().nullable(),
  row: z.object({ chain: z.string(), sequence: z.number(), hash: z.string() }).nullable(),
})
export type RackAction = z.infer<typeof RackAction>

export const RackActions = z.object({
  actions: z.array(RackAction),
  /** What to give as `after` for the next ones; null at the end. */
  next: z.number().nullable(),
})
export type RackActions = z.infer<typeof RackActions>
