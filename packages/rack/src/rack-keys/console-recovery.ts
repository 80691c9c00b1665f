import { randomBytes } from 'node:crypto'
import { KeyrackError } from '@keyrack/protocol'
import {
  type KeyChallenge,
  type RecoveredKey,
  type RegisteredConsole,
  recoveryText,
} from '@keyrack/protocol/key-resources'
import { signatureFits } from '@keyrack/secrets'
import type { Store } from '@keyrack/server'
import type { RackSchema } from '../database/schema.ts'
import type { RackKeys } from './rack-keys.ts'
import { RequestLimit } from './request-limit.ts'

interface Options {
  store: Store<RackSchema>
  keys: RackKeys
  rackId: string
  /** Monotonic, milliseconds. */
  now?: () => number
  random?: (size: number) => Buffer
}

export interface Registration {
  console: string
  /** Ed25519, raw, base64url. */
  publicKey: string
  takeOver: boolean
}

export interface Recovery {
  console: string
  nonce: string
  signature: string
}

const NONCE_BYTES = 32
const NONCE_LIFE_MS = 60_000
const NONCES_MAX = 100
const REQUESTS_PER_MINUTE = 10

/**
 * CRITICAL: the one Console that this Rack belongs to, and how it gets the key back that it lost:
 * a Console that was restored from an older backup signs a nonce with the key it registered, and
 * is given the copy of the key in force, which only its own master key opens.
 */
export class ConsoleRecovery {
  readonly #options: Required<Options>
  readonly #limits = {
    challenge: new RequestLimit(REQUESTS_PER_MINUTE),
    recover: new RequestLimit(REQUESTS_PER_MINUTE),
  }
  /** Open nonces and when they end, the oldest first. */
  readonly #nonces = new Map<string, number>()

  constructor({ now = () => performance.now(), random = randomBytes, ...rest }: Options) {
    this.#options = { ...rest, now, random }
  }

  register({ console, publicKey, takeOver }: Registration): Promise<RegisteredConsole> {
    return this.#options.keys.change(async ({ tx, now, happened }) => {
      const row = { console, public_key: publicKey, registered_at: now }
      const known = await tx.selectFrom('rack_console').selectAll().executeTakeFirst()
      const same = known?.console === console && known.public_key === publicKey
      if (known === undefined) {
        await tx
          .insertInto('rack_console')
          .values({ singleton: 1, ...row })
          .execute()
        happened(`the Rack belongs to the Console ${console} now`)
      } else if (!same) {
        if (!takeOver) throw belongsElsewhere(known.console, console)
        await tx.updateTable('rack_console').set(row).execute()
        // The copy is sealed for the other one: useless here, and no longer its business.
        await tx.updateTable('rack_keys').set({ copy: null }).execute()
        happened(`the Console ${console} took the Rack over from the Console ${known.console}`)
      }
      return { console, state: 'registered' }
    })
  }

  challenge(address: string): KeyChallenge {
    this.#limits.challenge.count(address)
    const { now, random, rackId } = this.#options
    for (const [nonce, end] of this.#nonces) if (end <= now()) this.#nonces.delete(nonce)
    const [oldest] = this.#nonces.keys()
    // Rather than refusing, which would let anybody keep the Console out.
    if (this.#nonces.size >= NONCES_MAX && oldest !== undefined) this.#nonces.delete(oldest)
    const nonce = random(NONCE_BYTES).toString('base64url')
    this.#nonces.set(nonce, now() + NONCE_LIFE_MS)
    return { nonce, rack: rackId }
  }

  async recover(address: string, given: Recovery): Promise<RecoveredKey> {
    this.#limits.recover.count(address)
    const { store, keys, now, rackId } = this.#options
    const end = this.#nonces.get(given.nonce)
    // It works once, whether or not the rest is right.
    this.#nonces.delete(given.nonce)
    if (end === undefined || end <= now()) throw refused()
    const owner = await store.db.selectFrom('rack_console').selectAll().executeTakeFirst()
    if (owner === undefined || owner.console !== given.console) throw refused()
    const text = recoveryText(rackId, given.console, given.nonce)
    if (!signatureFits(owner.public_key, text, given.signature)) throw refused()
    return keys.change(async ({ tx, happened }) => {
      const key = await tx
        .selectFrom('rack_keys')
        .select('copy')
        .where('state', '=', 'current')
        .executeTakeFirst()
      const { generation } = await tx
        .selectFrom('rack_key_head')
        .select('generation')
        .executeTakeFirstOrThrow()
      if (!key?.copy) {
        throw new KeyrackError('not-found', 'this Rack keeps no copy of its key', {
          hint: 'enter the key, if somebody has it: convox rack key set; or run on the host of the Rack: convox rack reset-key',
        })
      }
      happened(`the Console ${given.console} was given the sealed copy of the key`)
      return { copy: key.copy, generation }
    })
  }
}

function belongsElsewhere(owner: string, console: string): KeyrackError {
  return owner === console
    ? new KeyrackError('conflict', 'this Rack knows that Console by another key', {
        hint: 'if it was set up anew, register it again with --take-over',
      })
    : new KeyrackError('conflict', `another Console, ${owner}, holds this Rack`, {
        hint: 'remove the Rack there, or take it over with --take-over',
      })
}

function refused(): KeyrackError {
  return new KeyrackError('unauthenticated', 'invalid authentication')
}
