import {
  AUDIT_EXPORT_FORMAT,
  type AuditExportStart,
  type ChainPosition,
  type SignedAuditHead,
  WHOLE_CHAIN,
} from '@keyrack/protocol/audit'
import type { Domain, Tx } from '../context.ts'
import type { AccountEntry } from '../directory.ts'
import type { ConsoleIdentity } from '../rack-rolls/console-identity.ts'
import { auditChainOf } from './audit-chain-of.ts'
import { signHead } from './sign-head.ts'

/** So that a chain of any length is never in memory as a whole, and no reader holds a transaction. */
const PAGE_ROWS = 500

export interface ExportQuery {
  /** Undefined: the server's own chain. */
  organization: string | undefined
  /** Only rows from then on, in milliseconds since 1970. */
  since?: number
  /** Only rows after the one with this sequence, for the next part of a long export. */
  after?: number
  /** At most so many rows. */
  limit?: number
}

/**
 * The lines of an export: what it is, with the head that was signed when it began, then the rows up to
 * that head. Rows are never changed, so they may be read page by page.
 */
export async function exportAudit(
  domain: Pick<Domain, 'store' | 'directory' | 'clock'>,
  identity: ConsoleIdentity,
  actor: AccountEntry,
  query: ExportQuery,
): Promise<AsyncGenerator<string>> {
  const { chain, organization } = auditChainOf(domain, actor, query.organization)
  const start: AuditExportStart = await domain.store.read(async (tx) => {
    const head = await signHead(tx, identity, chain, domain.clock())
    return { format: AUDIT_EXPORT_FORMAT, organization, head, after: await begin(tx, head, query) }
  })
  return exportLines(domain, start, query.limit ?? Number.MAX_SAFE_INTEGER)
}

/** The row before the first one that is wanted. */
async function begin(tx: Tx, head: SignedAuditHead, query: ExportQuery): Promise<ChainPosition> {
  const { since, after = 0 } = query
  if (since === undefined && after === 0) return WHOLE_CHAIN
  const first = await tx
    .selectFrom('audit')
    .where('chain', '=', head.chain)
    .where('at', '>=', since ?? 0)
    .where('sequence', '>', after)
    .select(['sequence', 'previous_hash'])
    .orderBy('sequence')
    .limit(1)
    .executeTakeFirst()
  if (first === undefined) return { sequence: head.sequence, hash: head.hash }
  return { sequence: first.sequence - 1, hash: first.previous_hash }
}

async function* exportLines(
  { store }: Pick<Domain, 'store'>,
  start: AuditExportStart,
  limit: number,
): AsyncGenerator<string> {
  yield `${JSON.stringify(start)}\n`
  const { chain, sequence: newest } = start.head
  let { sequence } = start.after
  let left = limit
  while (sequence < newest && left > 0) {
    const rows = await store.db
      .selectFrom('audit')
      .where('chain', '=', chain)
      .where('sequence', '>', sequence)
      .where('sequence', '<=', newest)
      .selectAll()
      .orderBy('sequence')
      .limit(Math.min(left, PAGE_ROWS))
      .execute()
    // Rows that are missing have to show in the file, and not as an endless loop.
    if (rows.length === 0) return
    for (const row of rows) yield `${JSON.stringify(row)}\n`
    left -= rows.length
    sequence = rows.at(-1)?.sequence ?? newest
  }
}
