import { z } from 'zod'

/**
 * An export of one chain, as lines of JSON: first what it is with the signed head, then every row up
 * to that head. Who has the file and knows the public key needs neither the Console nor its database
 * to see whether a row was changed, left out, moved or cut off.
 */
export const AUDIT_EXPORT_FORMAT = 'keyrack-audit-export-1'

const hash = z.string().regex(/^[0-9a-f]{64}$/)
const count = z.number().int().nonnegative()
/** Fields of the signed text, which one line each holds. */
const line = z.string().regex(/^[\w.-]{1,64}$/)

export const SignedAuditHeadShape = z.object({
  console: line,
  chain: line,
  sequence: count,
  hash,
  at: count,
  signature: z.string(),
  public_key: z.string(),
})

export const AuditExportStart = z.object({
  format: z.literal(AUDIT_EXPORT_FORMAT),
  /** The organization's name at that time, or `server`. */
  organization: z.string(),
  head: SignedAuditHeadShape,
  /** The row before the first one: `{sequence: 0}` when the export begins with the chain. */
  after: z.object({ sequence: count, hash }),
})
export type AuditExportStart = z.infer<typeof AuditExportStart>

export const AuditRowShape = z.object({
  id: z.string(),
  chain: z.string(),
  sequence: count,
  at: count,
  phase: z.enum(['started', 'finished']),
  event_id: z.string(),
  actor_id: z.string().nullable(),
  actor_name: z.string(),
  action: z.string(),
  target: z.string(),
  rack_id: z.string().nullable(),
  request_id: z.string(),
  address: z.string(),
  outcome: z.enum(['succeeded', 'failed', 'unknown']).nullable(),
  status: z.number().int().nullable(),
  note: z.string().nullable(),
  previous_hash: hash,
  hash,
})

/** One write as `convox audit` lists it: both of its rows together. */
export const AuditEntry = z.object({
  sequence: count,
  at: z.string(),
  /** Null while it is under way. */
  finished_at: z.string().nullable(),
  actor: z.string(),
  action: z.string(),
  target: z.string(),
  rack: z.string().nullable(),
  outcome: z.enum(['succeeded', 'failed', 'unknown', 'started']),
  status: z.number().int().nullable(),
  note: z.string().nullable(),
  request_id: z.string(),
  address: z.string(),
})
export type AuditEntry = z.infer<typeof AuditEntry>

export const AuditPage = z.object({
  entries: z.array(AuditEntry),
  /** What to give as `before` for the next page; null at the end. */
  next: count.nullable(),
  head: SignedAuditHeadShape,
})
export type AuditPage = z.infer<typeof AuditPage>
