import { KeyrackError } from '@keyrack/protocol'
import { equalSecrets } from '@keyrack/secrets'
import type { Store } from '@keyrack/server'
import type { RackSchema } from '../database/schema.ts'
import type { Engine } from '../engines/engine.ts'

/**
 * The host keys of instances: recorded at first contact, checked at every later one. Official Racks
 * accept any host key (security.md 1, C4), so whoever answers at the address gets the session.
 */
export class KnownInstances {
  readonly #store: Store<RackSchema>
  readonly #engine: Pick<Engine, 'hostKey'>
  readonly #now: () => number

  constructor(
    store: Store<RackSchema>,
    engine: Pick<Engine, 'hostKey'>,
    now: () => number = Date.now,
  ) {
    this.#store = store
    this.#engine = engine
    this.#now = now
  }

  /** Returns when the instance shows its own host key, throws when it shows another. */
  async verify(instanceId: string, shown: Uint8Array): Promise<void> {
    const hostKey = Buffer.from(shown).toString('base64')
    // An engine that knows the key by another way than this connection makes even the first
    // contact safe.
    const reported = await this.#engine.hostKey(instanceId)
    if (reported !== undefined && !equalSecrets(keyPart(reported), hostKey)) {
      throw changed(instanceId)
    }
    // Inserted before it is read: of two first contacts at the same moment one wins, and both
    // compare with the winner.
    await this.#store.db
      .insertInto('known_instances')
      .values({ id: instanceId, host_key: hostKey, first_contact_at: this.#now() })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute()
    const known = await this.#store.db
      .selectFrom('known_instances')
      .select('host_key')
      .where('id', '=', instanceId)
      .executeTakeFirstOrThrow()
    if (!equalSecrets(known.host_key, hostKey)) throw changed(instanceId)
  }
}

/** `ssh-ed25519 AAAA… comment` to `AAAA…`. */
function keyPart(publicKey: string): string {
  return publicKey.split(' ')[1] ?? ''
}

function changed(instanceId: string): KeyrackError {
  return new KeyrackError(
    'rack-broken',
    `instance ${instanceId} shows another SSH host key than the one recorded for it, so nothing was sent to it`,
    {
      hint: `something else may be answering in its place; replace it with: convox instances terminate ${instanceId}`,
    },
  )
}
