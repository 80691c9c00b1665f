import type { AuditEntry, AuditPage } from '@keyrack/protocol/audit'
import type { Domain, Tx } from '../context.ts'
import type { AuditTable } from '../database/schema.ts'
import type { AccountEntry } from '../directory.ts'
import type { ConsoleIdentity } from '../rack-rolls/console-identity.ts'
import { auditChainOf, type ChainName } from './audit-chain-of.ts'
import { signHead } from './sign-head.ts'

export interface AuditQuery {
  /** Undefined: the server's own chain. */
  organization: string | undefined
  /** A Rack's name, with or without its organization, or the id of one that is gone. */
  rack?: string
  /** An e-mail address, `deploy key NAME`, or the id of an account or key. */
  user?: string
  /** An action, or the beginning of several with a star: `instances.*`. */
  action?: string
  /** Milliseconds since 1970. */
  since?: number
  /** Only what comes before this row of the chain. */
  before?: number
  limit?: number
}

const DEFAULT_LIMIT = 100

/** The newest writes first, each with its ending, and the signed head of the chain they are from. */
export async function listAudit(
  domain: Pick<Domain, 'store' | 'directory' | 'clock'>,
  identity: ConsoleIdentity,
  actor: AccountEntry,
  query: AuditQuery,
): Promise<AuditPage> {
  const named = auditChainOf(domain, actor, query.organization)
  const rackNames = new Map(
    domain.directory.racksOf(actor).map(({ id, name, organization }) => {
      return [id, `${organization.name}/${name}`]
    }),
  )
  return domain.store.read(async (tx) => {
    const limit = query.limit ?? DEFAULT_LIMIT
    const found = await started(tx, named, query, rackNames, limit + 1)
    const page = found.slice(0, limit)
    const endings = await finished(tx, page)
    return {
      entries: page.map((row) => entry(row, endings.get(row.id), rackNames)),
      next: found.length > limit ? (page.at(-1)?.sequence ?? null) : null,
      head: await signHead(tx, identity, named.chain, domain.clock()),
    }
  })
}

function started(
  tx: Tx,
  { chain, organization }: ChainName,
  { rack, user, action, since, before }: AuditQuery,
  rackNames: ReadonlyMap<string, string>,
  limit: number,
): Promise<AuditTable[]> {
  let rows = tx
    .selectFrom('audit')
    .where('chain', '=', chain)
    .where('phase', '=', 'started')
    .selectAll()
    .orderBy('sequence', 'desc')
    .limit(limit)
  if (before !== undefined) rows = rows.where('sequence', '<', before)
  if (since !== undefined) rows = rows.where('at', '>=', since)
  if (user !== undefined) {
    rows = rows.where((is) => is.or([is('actor_name', '=', user), is('actor_id', '=', user)]))
  }
  if (action?.endsWith('*')) {
    // The edge lets no wildcard of LIKE through.
    rows = rows.where('action', 'like', `${action.slice(0, -1)}%`)
  } else if (action !== undefined) {
    rows = rows.where('action', '=', action)
  }
  if (rack !== undefined) {
    const full = rack.includes('/') ? rack : `${organization}/${rack}`
    const known = [...rackNames].find(([, name]) => name === full)
    rows = rows.where('rack_id', '=', known?.[0] ?? rack)
  }
  return rows.execute()
}

async function finished(tx: Tx, page: readonly AuditTable[]): Promise<Map<string, AuditTable>> {
  if (page.length === 0) return new Map()
  const rows = await tx
    .selectFrom('audit')
    .where('phase', '=', 'finished')
    .where(
      'event_id',
      'in',
      page.map(({ id }) => id),
    )
    .selectAll()
    .execute()
  return new Map(rows.map((row) => [row.event_id, row]))
}

function entry(
  row: AuditTable,
  ending: AuditTable | undefined,
  rackNames: ReadonlyMap<string, string>,
): AuditEntry {
  return {
    sequence: row.sequence,
    at: new Date(row.at).toISOString(),
    finished_at: ending === undefined ? null : new Date(ending.at).toISOString(),
    actor: row.actor_name,
    action: row.action,
    target: row.target,
    rack: row.rack_id === null ? null : (rackNames.get(row.rack_id) ?? row.rack_id),
    outcome: ending?.outcome ?? 'started',
    status: ending?.status ?? null,
    note: ending?.note ?? null,
    request_id: row.request_id,
    address: row.address,
  }
}
