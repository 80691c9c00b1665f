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
      throw new HostKeyChanged(instanceId)
    }
    // Inserted before it is read: of two first contacts at the same moment one wins, and both
    // compare with the winner.
    await this.#store.db
      .insertInto('known_instances')
      .values({ id: instanceId, host_key: hostKey, first_contact_at: this.#now() })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute()
    const known = await this.recorded(instanceId)
    if (known === undefined || !equalSecrets(known.toString('base64'), hostKey)) {
      throw new HostKeyChanged(instanceId)
    }
  }

  /** The host key in its wire form; undefined before the first contact. */
  async recorded(instanceId: string): Promise<Buffer | undefined> {
    const known = await this.#store.db
      .selectFrom('known_instances')
      .select('host_key')
      .where('id', '=', instanceId)
      .executeTakeFirst()
    return known === undefined ? undefined : Buffer.from(known.host_key, 'base64')
  }

  /** Records another host key, which somebody has compared. What the engine knows is not overruled. */
  async replace(instanceId: string, shown: Uint8Array): Promise<void> {
    const host_key = Buffer.from(shown).toString('base64')
    const reported = await this.#engine.hostKey(instanceId)
    if (reported !== undefined && !equalSecrets(keyPart(reported), host_key)) {
      throw new HostKeyChanged(instanceId)
    }
    await this.#store.db
      .insertInto('known_instances')
      .values({ id: instanceId, host_key, first_contact_at: this.#now() })
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ host_key }))
      .execute()
  }
}

/** `ssh-ed25519 AAAA… comment` to `AAAA…`. */
function keyPart(publicKey: string): string {
  return publicKey.split(' ')[1] ?? ''
}

/** Somebody else may answer in the place of the instance, so nothing was sent. */
export class HostKeyChanged extends KeyrackError {
  constructor(instanceId: string) {
    super(
      'rack-broken',
      `instance ${instanceId} shows another SSH host key than the one recorded for it, so nothing was sent to it`,
      {
        hint: `something else may be answering in its place; compare with: convox instances trust ${instanceId}; or replace it with: convox instances terminate ${instanceId}`,
      },
    )
  }
}
