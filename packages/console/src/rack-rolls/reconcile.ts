import { errorText, KeyrackError } from '@keyrack/protocol'
import { SealError, type Secret } from '@keyrack/secrets'
import type { Tx } from '../context.ts'
import type { RackEntry } from '../directory.ts'
import { displayName } from '../proxy/find-rack.ts'
import { openRackKey } from '../racks/open-rack-key.ts'
import { endSupersededRoll } from './end-superseded-roll.ts'
import { forgetGeneration, readGeneration, writeGeneration } from './key-generations.ts'
import { rackKeyRoutes } from './rack-key-routes.ts'
import { replaceRackKey, sealRackKey } from './rack-key-rows.ts'
import { recoverKey } from './recover-key.ts'
import { isCommitted } from './roll.ts'
import type { RollDomain } from './roll-domain.ts'
import { findOpenRoll } from './roll-rows.ts'
import { tryKey } from './try-key.ts'

/** Of the Rack that this server runs itself. */
const NOT_STARTED = 'it does not run now; its key is tried when it starts'

export interface ReconciledRack {
  rack: string
  works: boolean
  /** What was found, in words. */
  found: string
}

/**
 * Looks at a Rack whose key is not where this Console left it: its answers count another generation,
 * or it refuses the key. What is found is told in the log and the audit log of the organization; the
 * keys before the present one are opened here and nowhere else, to say which of them it takes.
 */
export class Reconciler {
  readonly #domain: RollDomain
  /** What was looked into already, so that each answer of a busy Rack does not ask again. */
  readonly #known = new Map<string, number>()
  /** Which version of which Rack's key was refused, and has been told of. */
  readonly #told = new Set<string>()
  readonly #running = new Map<string, Promise<void>>()

  constructor(domain: RollDomain) {
    this.#domain = domain
  }

  /** What an answer of the Rack said; cheap when it is what is known. */
  noticed(rackId: string, generation: number): void {
    if (this.#known.get(rackId) === generation) return
    this.#look(rackId, (rack) => this.#compare(rack, generation))
  }

  /** The Rack has answered 401 to our key. */
  refused(rackId: string): void {
    this.#look(rackId, (rack) => this.#findAcceptedKey(rack))
  }

  /** Before a roll: a key that was lost in a restore is found now, and not when the roll has failed. */
  async beforeRoll(rackId: string): Promise<void> {
    this.refused(rackId)
    await this.#running.get(rackId)
  }

  async settle(): Promise<void> {
    await Promise.all(this.#running.values())
  }

  #look(rackId: string, work: (rack: RackEntry) => Promise<void>): void {
    const rack = this.#domain.directory.rackById(rackId)
    if (rack === undefined || this.#running.has(rackId)) return
    const run = work(rack)
      .catch((error: unknown) => {
        const reason = error instanceof KeyrackError ? errorText(error) : undefined
        this.#domain.log.warn({ rack: rackId, reason, err: error }, 'a Rack could not be examined')
      })
      .finally(() => this.#running.delete(rackId))
    this.#running.set(rackId, run)
  }

  async #compare(rack: RackEntry, heard: number): Promise<void> {
    const { store, guard, keyring } = this.#domain
    if ((await findOpenRoll(store.db, rack.id)) !== undefined) return
    const known = await readGeneration(store.db, rack.id)
    if (known === heard) {
      this.#known.set(rack.id, heard)
      return
    }
    // The answer may have been on its way while a roll ended: the Rack itself says how it is now.
    const { generation } = await rackKeyRoutes(guard, rack, openRackKey(keyring, rack)).status()
    if ((await findOpenRoll(store.db, rack.id)) !== undefined) return
    const before = await readGeneration(store.db, rack.id)
    if (before !== undefined && before !== generation) {
      await this.#alarm(rack, `it counts generation ${generation} of its key instead of ${before}`)
    }
    await store.transaction((tx) => writeGeneration(tx, rack.id, generation))
    this.#known.set(rack.id, generation)
  }

  async #findAcceptedKey(rack: RackEntry): Promise<void> {
    const { store, guard, keyring } = this.#domain
    const open = await findOpenRoll(store.db, rack.id)
    // Before its commit a roll finds out by itself that it cannot go on.
    if (open !== undefined && !isCommitted(open)) return
    const subject = `${rack.id} ${rack.keyVersion}`
    if (this.#told.has(subject)) return
    const held = openRackKey(keyring, rack)
    if ((await tryKey(guard, rack, held)) === 'accepted') {
      if (await this.#isEnding(rack, held)) await this.#recover(rack)
      return
    }
    const previous = await store.db
      .selectFrom('previous_rack_keys')
      .where('rack_id', '=', rack.id)
      .orderBy('key_version', 'desc')
      .select(['key_version as keyVersion', 'sealed_key as sealedKey'])
      .execute()
    for (const key of previous) {
      const secret = openRackKey(keyring, { id: rack.id, ...key })
      if ((await tryKey(guard, rack, secret)) === 'refused') continue
      // A roll tells the Rack of its new key once more.
      if (open !== undefined && key.keyVersion === open.new_version - 1) return
      // The Rack was restored from a backup.
      const found = 'it takes an earlier key only, which is in force again; roll it'
      await this.#takeBack(rack, { key: secret, version: 0 }, found)
      return
    }
    if (await this.#recover(rack)) return
    this.#told.add(subject)
    await this.#alarm(rack, 'it refuses its key and every one before it')
  }

  /** Whether a roll of a time that this Console does not know of has replaced the key that it holds. */
  async #isEnding(rack: RackEntry, held: Secret): Promise<boolean> {
    if (rack.remoteId === null) return false
    const { authenticated_by } = await rackKeyRoutes(this.#domain.guard, rack, held).status()
    return authenticated_by === 'ending'
  }

  async #recover(rack: RackEntry): Promise<boolean> {
    const recovered = await recoverKey(this.#domain, rack)
    if (recovered === undefined) return false
    // The Console was restored from a backup.
    const found = 'it takes a key that this Console had lost, and gave back its copy; roll it'
    await this.#takeBack(rack, recovered, found)
    return true
  }

  /**
   * Looks at every Rack now and waits: what a restored Console does before it goes on by itself.
   * Resolves to what each answers to its key.
   */
  async lookAtAll(racks: readonly RackEntry[]): Promise<ReconciledRack[]> {
    const looked: ReconciledRack[] = []
    for (const { id } of racks) {
      await this.#running.get(id)
      const rack = this.#domain.directory.rackById(id)
      if (rack !== undefined) looked.push(await this.#lookNow(rack))
    }
    return looked
  }

  async #lookNow(before: RackEntry): Promise<ReconciledRack> {
    const { guard, keyring, directory } = this.#domain
    const name = displayName(before)
    const answer = (works: boolean, found: string) => ({ rack: name, works, found })
    if (before.managed && before.url === '') return answer(true, NOT_STARTED)
    try {
      this.#told.delete(`${before.id} ${before.keyVersion}`)
      await this.#findAcceptedKey(before)
      const rack = directory.rackById(before.id) ?? before
      const verdict = await tryKey(guard, rack, openRackKey(keyring, rack))
      if (verdict === 'refused') return answer(false, 'it refuses every key that is known')
      const changed = rack.keyVersion !== before.keyVersion
      return answer(true, changed ? 'another key was found' : 'its key works')
    } catch (error) {
      if (!(error instanceof KeyrackError || error instanceof SealError)) throw error
      const silent = error instanceof KeyrackError && error.code === 'rack-unreachable'
      if (before.managed && silent) return answer(true, NOT_STARTED)
      return answer(false, error instanceof KeyrackError ? errorText(error) : error.message)
    }
  }

  /** Without the key that the Rack takes nobody could reach it. */
  async #takeBack(
    rack: RackEntry,
    { key, version: known }: { key: Secret; version: number },
    found: string,
  ): Promise<void> {
    const { keyring, clock, commit } = this.#domain
    const before = rack.keyVersion
    const version = Math.max(before + 1, known)
    const sealed = sealRackKey(keyring, rack.id, version, key)
    await commit(async (tx) => {
      await replaceRackKey(tx, { rackId: rack.id, before, version, sealed }, clock())
      await forgetGeneration(tx, rack.id)
      await endSupersededRoll(this.#domain, tx, rack.id, 'another key is in force at the Rack')
      await this.#alarm(rack, found, tx)
    })
    this.#known.delete(rack.id)
  }

  async #alarm(rack: RackEntry, found: string, tx?: Tx): Promise<void> {
    const { log, audit } = this.#domain
    log.error({ rack: rack.id }, `the key of ${displayName(rack)} was changed by others: ${found}`)
    await audit.record(
      {
        organizationId: rack.organization.id,
        actor: { id: null, name: 'Keyrack' },
        action: 'rack.key.surprise',
        target: displayName(rack),
        rackId: rack.id,
        requestId: 'reconcile',
        address: '',
      },
      { status: 409, note: found },
      tx,
    )
  }
}
