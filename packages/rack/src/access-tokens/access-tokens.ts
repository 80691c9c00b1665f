import { KeyrackError } from '@keyrack/protocol'
import type { AccessTokens as TokenList } from '@keyrack/protocol/key-resources'
import {
  type Keyring,
  mintToken,
  mintTokenKey,
  open,
  openAccessToken,
  type SealContext,
  type Secret,
  seal,
  signAccessToken,
} from '@keyrack/secrets'
import type { Store } from '@keyrack/server'
import type { RackSchema } from '../database/schema.ts'
import type { RackKeys } from '../rack-keys/rack-keys.ts'

export type TokenRole = 'read' | 'write'

/** Who presents an access token. */
export interface TokenHolder {
  tokenId: string
  role: TokenRole
}

interface Options {
  store: Store<RackSchema>
  keyring: Keyring
  /** Whose clock and whose transactions: what happens to tokens is told as what happens to keys. */
  keys: RackKeys
}

type Row = TokenList[number]

const HOUR_MS = 3_600_000
const ID_BYTES = 16
/** More than anybody has; each is a row in memory. */
const TOKENS_MAX = 1_000
/** The claims of official Racks (protocol.md 3). */
const CLAIMS = {
  read: { user: 'system-read', role: 'r' },
  write: { user: 'system-write', role: 'rw' },
} as const

/**
 * CRITICAL: tokens for helpers and CI, good for some hours and less than the key. A token must be
 * signed, unexpired and in the list, so that each can be ended by itself.
 */
export class AccessTokens {
  readonly #keys: RackKeys
  readonly #keyring: Keyring
  #signingKey: Secret
  readonly #tokens: Map<string, Row>

  /** Makes the signing key at the first start. */
  static async open({ store, keyring, keys }: Options): Promise<AccessTokens> {
    const row = await store.db.selectFrom('access_token_key').selectAll().executeTakeFirst()
    const tokens = await store.db.selectFrom('access_tokens').selectAll().execute()
    if (row !== undefined) {
      const signingKey = open(keyring, row.sealed, placeOf(row.version))
      return new AccessTokens(keys, keyring, signingKey, tokens)
    }
    const first = mintTokenKey()
    const sealed = seal(keyring, first, placeOf(1))
    await store.db
      .insertInto('access_token_key')
      .values({ singleton: 1, sealed, version: 1, created_at: keys.now() })
      .execute()
    return new AccessTokens(keys, keyring, first, tokens)
  }

  private constructor(
    keys: RackKeys,
    keyring: Keyring,
    signingKey: Secret,
    tokens: readonly Row[],
  ) {
    this.#keys = keys
    this.#keyring = keyring
    this.#signingKey = signingKey
    this.#tokens = new Map(tokens.map((row) => [row.id, row]))
  }

  /**
   * Whose token it is; undefined when this Rack has not signed it. Throws `unauthenticated` for one
   * that is over: expired, revoked, or from before the list was restored.
   */
  check(token: Secret): TokenHolder | undefined {
    const claims = openAccessToken(this.#signingKey, token)
    if (claims === undefined) return undefined
    const row = typeof claims.jti === 'string' ? this.#tokens.get(claims.jti) : undefined
    if (row === undefined || row.expires_at <= this.#keys.now()) throw over()
    if (claims.role !== CLAIMS[row.role].role) return undefined
    return { tokenId: row.id, role: row.role }
  }

  /** Makes a token for so many hours. */
  async mint(role: TokenRole, hours: number): Promise<Secret> {
    const row = await this.#keys.change(async ({ tx, now, happened }) => {
      await tx.deleteFrom('access_tokens').where('expires_at', '<=', now).execute()
      this.#forgetExpired(now)
      if (this.#tokens.size >= TOKENS_MAX) throw tooMany()
      const id = mintToken(ID_BYTES).reveal()
      const made: Row = { id, role, created_at: now, expires_at: now + hours * HOUR_MS }
      await tx.insertInto('access_tokens').values(made).execute()
      happened(`made the access token ${id}, to ${role}, for ${hours} h`)
      return made
    })
    this.#tokens.set(row.id, row)
    const [iat, exp] = [row.created_at, row.expires_at].map((at) => Math.floor(at / 1000))
    const claims = { ...CLAIMS[role], exp, expiresAt: exp, iat, jti: row.id }
    return signAccessToken(this.#signingKey, claims)
  }

  /** A new signing key, at once: every token made before is refused. */
  async rotate(): Promise<void> {
    const next = mintTokenKey()
    await this.#keys.change(async ({ tx, now, happened }) => {
      const before = await tx
        .selectFrom('access_token_key')
        .select('version')
        .executeTakeFirstOrThrow()
      const version = before.version + 1
      const sealed = seal(this.#keyring, next, placeOf(version))
      await tx.updateTable('access_token_key').set({ sealed, version, created_at: now }).execute()
      await tx.deleteFrom('access_tokens').execute()
      happened('made a new key for access tokens; all older tokens are refused')
    })
    this.#signingKey = next
    this.#tokens.clear()
  }

  /** The tokens that are accepted now, newest first. */
  list(): TokenList {
    this.#forgetExpired(this.#keys.now())
    return [...this.#tokens.values()].sort((a, b) => b.created_at - a.created_at)
  }

  async revoke(id: string): Promise<void> {
    await this.#keys.change(async ({ tx, happened }) => {
      if (!this.#tokens.has(id)) {
        throw new KeyrackError('not-found', 'there is no access token with that id', {
          hint: 'see which there are: convox rack access list',
        })
      }
      await tx.deleteFrom('access_tokens').where('id', '=', id).execute()
      happened(`revoked the access token ${id}`)
    })
    this.#tokens.delete(id)
  }

  #forgetExpired(now: number): void {
    for (const [id, row] of this.#tokens) if (row.expires_at <= now) this.#tokens.delete(id)
  }
}

function placeOf(version: number): SealContext {
  return { table: 'access_token_key', row: '1', column: 'sealed', version }
}

function over(): KeyrackError {
  return new KeyrackError('unauthenticated', 'invalid authentication: token is expired')
}

function tooMany(): KeyrackError {
  return new KeyrackError('conflict', `this Rack has ${TOKENS_MAX} access tokens already`, {
    hint: 'revoke some: convox rack access list',
  })
}
