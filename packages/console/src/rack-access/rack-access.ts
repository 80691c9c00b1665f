import { KeyrackError } from '@keyrack/protocol'
import type { RequestContext, Tx } from '../context.ts'
import type { AccountEntry, RackEntry } from '../directory.ts'
import { displayName } from '../proxy/find-rack.ts'
import { administeredRack, type RackName } from '../racks/administered-rack.ts'
import { atRack } from './at-rack.ts'
import type { AccessDomain } from './token-endings.ts'
import type { MintedToken } from './token-routes.ts'

export interface ListedToken {
  id: string
  role: 'read' | 'write'
  createdAt: number
  expiresAt: number
  /** Null: made with the key of the Rack, by nobody that the Console knows. */
  minter: string | null
  /** Since when it is to be ended, and is not yet; null otherwise. */
  endingSince: number | null
}

const HOURS_MAX = 8_760

/**
 * Access tokens of a Rack, for administrators only, read tokens too: a token goes to the Rack itself,
 * past the roles and the audit log of the Console.
 */
export async function mintRackToken(
  domain: AccessDomain,
  actor: AccountEntry,
  name: RackName,
  { role, hours }: { role: 'read' | 'write'; hours: number },
  request: RequestContext,
): Promise<MintedToken & { rack: RackEntry }> {
  const rack = ownRack(domain, actor, name)
  if (!Number.isInteger(hours) || hours < 1 || hours > HOURS_MAX) {
    throw new KeyrackError('invalid', `an access token is good for 1 to ${HOURS_MAX} whole hours`, {
      field: 'duration_in_hours',
    })
  }
  const before = await keyOf(domain.store.db, actor.id)
  const minted = await recorded(domain, actor, rack, 'rack.access.create', request, async () => {
    const minted = await atRack(domain, rack, (routes) => routes.mint(role, hours))
    // Before anybody has it: what is not in the table could not be ended with its minter.
    const kept = await domain.commit(async (tx) => {
      const membership = await tx
        .selectFrom('memberships')
        .where('organization_id', '=', rack.organization.id)
        .where('account_id', '=', actor.id)
        .select('role')
        .executeTakeFirst()
      const stillMay =
        membership?.role === 'administrator' && (await keyOf(tx, actor.id)) === before
      const now = domain.clock()
      await tx
        .insertInto('rack_access_tokens')
        .values({
          ...{ rack_id: rack.id, id: minted.id, organization_id: rack.organization.id },
          ...{ account_id: actor.id, role, created_at: now, expires_at: minted.expiresAt },
          ending_since: stillMay ? null : now,
          ending_because: stillMay ? null : 'its minter lost the right while it was made',
        })
        .execute()
      // Rows of tokens that nobody ended go with the next one.
      await tx
        .deleteFrom('rack_access_tokens')
        .where('rack_id', '=', rack.id)
        .where('expires_at', '<=', now)
        .execute()
      return stillMay
    })
    if (kept) return { result: minted, note: `${minted.id}: ${role} for ${hours} h` }
    throw new KeyrackError('forbidden', 'your rights or your key changed meanwhile')
  })
  return { ...minted, rack }
}

/** Newest first. Where the Rack cannot be asked, what this Console knows, and why. */
export async function listRackTokens(
  domain: AccessDomain,
  actor: AccountEntry,
  name: RackName,
): Promise<{ tokens: ListedToken[]; problem: string | null }> {
  const rack = ownRack(domain, actor, name)
  let problem: string | null = null
  const atTheRack = await atRack(domain, rack, (routes) => routes.list()).catch(
    (error: unknown) => {
      if (!(error instanceof KeyrackError)) throw error
      problem = error.message
      return []
    },
  )
  const rows = await domain.store.db
    .selectFrom('rack_access_tokens')
    .innerJoin('accounts', 'accounts.id', 'rack_access_tokens.account_id')
    .where('rack_id', '=', rack.id)
    .where('expires_at', '>', domain.clock())
    .select([
      'rack_access_tokens.id',
      'role',
      'rack_access_tokens.created_at as createdAt',
      'expires_at as expiresAt',
      'accounts.email as minter',
      'ending_since as endingSince',
    ])
    .execute()
  const known = new Set(rows.map(({ id }) => id))
  const unknown = atTheRack
    .filter(({ id }) => !known.has(id))
    .map(({ id, role, created_at: createdAt, expires_at: expiresAt }) => {
      return { id, role, createdAt, expiresAt, minter: null, endingSince: null }
    })
  const tokens = [...rows, ...unknown].sort((a, b) => b.createdAt - a.createdAt)
  return { tokens, problem }
}

/** The token is refused from the moment this resolves. */
export async function revokeRackToken(
  domain: AccessDomain,
  actor: AccountEntry,
  name: RackName,
  id: string,
  request: RequestContext,
): Promise<void> {
  const rack = ownRack(domain, actor, name)
  const missing = new KeyrackError('not-found', 'there is no access token with that id', {
    hint: 'see which there are: convox rack access list',
  })
  if (!/^[\w-]{1,64}$/.test(id)) throw missing
  const { tokens, problem } = await listRackTokens(domain, actor, name)
  if (problem === null && !tokens.some((token) => token.id === id)) throw missing
  await recorded(domain, actor, rack, 'rack.access.revoke', request, async () => {
    await atRack(domain, rack, (routes) => routes.revoke(id))
    await forget(domain, rack, id)
    return { result: undefined, note: id }
  })
}

/** Every token that was made before is refused from the moment this resolves. */
export async function rotateRackTokens(
  domain: AccessDomain,
  actor: AccountEntry,
  name: RackName,
  request: RequestContext,
): Promise<void> {
  const rack = ownRack(domain, actor, name)
  await recorded(domain, actor, rack, 'rack.access.rotate', request, async () => {
    const rows = await domain.store.db
      .selectFrom('rack_access_tokens')
      .where('rack_id', '=', rack.id)
      .select('id')
      .execute()
    await atRack(domain, rack, (routes) => routes.rotate())
    // Not those that were made since.
    for (const { id } of rows) await forget(domain, rack, id)
    return { result: undefined, note: 'all access tokens ended' }
  })
}

function ownRack({ directory }: AccessDomain, actor: AccountEntry, name: RackName): RackEntry {
  const rack = administeredRack(directory, actor, name, 'make and end access tokens')
  if (rack.url === '') throw new KeyrackError('not-ready', 'this Rack has not started yet')
  if (rack.remoteId !== null || rack.managed) return rack
  throw new KeyrackError(
    'conflict',
    `${displayName(rack)} is an official Rack, which cannot end a single access token`,
    {
      hint: 'whoever has its key makes them there; through a Console they could not be taken back',
    },
  )
}

async function forget(domain: AccessDomain, rack: RackEntry, id: string): Promise<void> {
  await domain.store.transaction((tx) =>
    tx
      .deleteFrom('rack_access_tokens')
      .where('rack_id', '=', rack.id)
      .where('id', '=', id)
      .execute(),
  )
}

async function keyOf(db: Tx | AccessDomain['store']['db'], accountId: string) {
  const row = await db
    .selectFrom('api_keys')
    .where('account_id', '=', accountId)
    .select('hash')
    .executeTakeFirst()
  return row?.hash
}

/** Two rows around what is done at the Rack, so that one that was cut off shows. */
async function recorded<T>(
  { audit }: AccessDomain,
  actor: AccountEntry,
  rack: RackEntry,
  action: string,
  request: RequestContext,
  work: () => Promise<{ result: T; note: string }>,
): Promise<T> {
  const { id: event } = await audit.started({
    organizationId: rack.organization.id,
    actor: { id: actor.id, name: actor.email },
    action,
    target: displayName(rack),
    rackId: rack.id,
    requestId: request.requestId,
    address: request.address,
  })
  try {
    const { result, note } = await work()
    await audit.finished(event, { status: 200, note })
    return result
  } catch (error) {
    const known = error instanceof KeyrackError
    const outcome = { status: known ? error.status : 500, note: known ? error.code : 'internal' }
    await audit.finished(event, outcome)
    throw error
  }
}
