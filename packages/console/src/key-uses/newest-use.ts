import type { LastUse, LastUses } from './last-uses.ts'

interface StoredUse {
  last_at: number | null
  address: string | null
  client: string | null
}

/** The later of what is stored and what this Console has not written yet; null: never used. */
export function newestUse(
  uses: Pick<LastUses, 'pending'>,
  hash: string,
  { last_at: at, address, client }: StoredUse,
): LastUse | null {
  const stored = at === null ? null : { at, address: address ?? '', client: client ?? '' }
  const pending = uses.pending(hash)
  if (pending === undefined) return stored
  return stored === null || pending.at >= stored.at ? pending : stored
}

/** As the JSON API says it. */
export function lastUseView(use: LastUse | null) {
  return use === null
    ? null
    : { at: new Date(use.at).toISOString(), address: use.address, client: use.client }
}
