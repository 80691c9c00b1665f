import type { LiveKeyState } from '@keyrack/protocol/key-resources'
import type { Transaction } from 'kysely'
import type { RackSchema } from '../database/schema.ts'

export interface KeyUse {
  address: string
  client: string
  last_at: number
  count: number
}

/** From more places than these one key is hardly used; the oldest are forgotten. */
const PLACES_MAX = 50
const CLIENT_LENGTH_MAX = 100

/**
 * From where each live key is used, so that a roll can show who still has the old one. Counted in
 * memory, because a write for each request would cost more than the request.
 */
export class KeyUses {
  /** By key, then by place; the longest unused first. */
  readonly #uses = new Map<string, Map<string, KeyUse>>()
  #added = 0
  #saved = 0

  add(keyId: string, address: string, userAgent: string | undefined, at: number): void {
    const client = printable(userAgent ?? '')
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
    const places = this.#uses.get(keyId) ?? new Map<string, KeyUse>()
    this.#uses.set(keyId, places)
    const place = `${plain} ${client}`
    const count = (places.get(place)?.count ?? 0) + 1
    // Deleted and set again, so that the map's order is the order of the last use.
    places.delete(place)
    places.set(place, { address: plain, client, last_at: at, count })
    const [oldest] = places.keys()
    if (places.size > PLACES_MAX && oldest !== undefined) places.delete(oldest)
    this.#added += 1
  }

  get changed(): boolean {
    return this.#added > this.#saved
  }

  /** Newest first, at most 50 of all keys together. */
  newest(keys: ReadonlyArray<{ id: string; state: LiveKeyState }>) {
    return keys
      .flatMap(({ id, state }) =>
        [...(this.#uses.get(id)?.values() ?? [])].map((use) => ({ key: state, ...use })),
      )
      .sort((a, b) => b.last_at - a.last_at)
      .slice(0, PLACES_MAX)
  }

  /** Forgets keys that are no longer accepted. */
  keep(liveIds: ReadonlySet<string>): void {
    for (const id of this.#uses.keys()) if (!liveIds.has(id)) this.#uses.delete(id)
  }

  async load(tx: Transaction<RackSchema>): Promise<void> {
    const rows = await tx.selectFrom('rack_key_uses').selectAll().orderBy('last_at').execute()
    for (const { key_id, ...use } of rows) {
      const places = this.#uses.get(key_id) ?? new Map<string, KeyUse>()
      places.set(`${use.address} ${use.client}`, use)
      this.#uses.set(key_id, places)
    }
  }

  /**
   * Few rows, so all are written again. The answer is to be called once they are committed; what is
   * counted meanwhile waits for the next time.
   */
  async save(tx: Transaction<RackSchema>): Promise<() => void> {
    const added = this.#added
    const rows = [...this.#uses].flatMap(([key_id, places]) =>
      [...places.values()].map((use) => ({ key_id, ...use })),
    )
    await tx.deleteFrom('rack_key_uses').execute()
    for (const row of rows) await tx.insertInto('rack_key_uses').values(row).execute()
    return () => {
      this.#saved = added
    }
  }
}

/** It is shown in terminals, and nobody checks what a client calls itself. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, CLIENT_LENGTH_MAX)
}
