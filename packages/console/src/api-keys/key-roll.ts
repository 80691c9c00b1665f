import { KeyrackError } from '@keyrack/protocol'
import { equalSecrets, hashApiKey, type Keyring, open, type Secret, seal } from '@keyrack/secrets'
import type { Tx } from '../context.ts'
import { COPY_LIFE_MS, type LastUses } from '../key-uses/last-uses.ts'

const ROLL_ID = /^[A-Za-z0-9_-]{8,64}$/
/** A repeated request that comes later than this makes a new key. */
const REMEMBERED_MS = 30 * 24 * 60 * 60_000

/** An id that the client chose for one regeneration; asking again with it makes no second key. */
export function parseRollId(text: string): string {
  if (ROLL_ID.test(text)) return text
  throw new KeyrackError(
    'invalid',
    'a roll id has 8 to 64 letters, digits, underscores and hyphens',
    { field: 'roll', hint: 'choose a random one for each new key' },
  )
}

/** Keeps the roll with a copy of its key, for a reply that does not arrive. */
export async function keepCopy(
  tx: Tx,
  keyring: Keyring,
  { accountId, roll, key, now }: { accountId: string; roll: string; key: Secret; now: number },
): Promise<void> {
  const { last } = await tx
    .selectFrom('api_key_rolls')
    .where('account_id', '=', accountId)
    .select((of) => of.fn.max('version').as('last'))
    .executeTakeFirstOrThrow()
  const version = Number(last ?? 0) + 1
  await tx
    .insertInto('api_key_rolls')
    .values({
      ...{ account_id: accountId, roll, version, created_at: now },
      key_hash: hashApiKey(key),
      sealed_key: seal(keyring, key, copyContext(accountId, version)),
    })
    .execute()
  // Never the newest, so that no version is given out twice.
  await tx
    .deleteFrom('api_key_rolls')
    .where('account_id', '=', accountId)
    .where('created_at', '<', now - REMEMBERED_MS)
    .where('version', '<', version)
    .execute()
}

/** The key that this roll made; undefined: there was no such roll. Throws once it was used. */
export async function copyOf(
  tx: Tx,
  { keyring, uses }: { keyring: Keyring; uses: Pick<LastUses, 'wasUsed'> },
  { accountId, roll, now }: { accountId: string; roll: string; now: number },
): Promise<(() => Secret) | undefined> {
  const row = await tx
    .selectFrom('api_key_rolls')
    .where('account_id', '=', accountId)
    .where('roll', '=', roll)
    .selectAll()
    .executeTakeFirst()
  if (row === undefined) return undefined
  const { sealed_key: sealed, key_hash: hash, version } = row
  return () => {
    if (sealed === null || row.created_at <= now - COPY_LIFE_MS || uses.wasUsed(hash)) throw over()
    const key = open(keyring, sealed, copyContext(accountId, version))
    if (equalSecrets(hashApiKey(key), hash)) return key
    throw new TypeError(`the copy of roll ${version} of account ${accountId} is of another key`)
  }
}

/** What a copy is bound to: the same for sealing and opening. */
export function copyContext(accountId: string, version: number) {
  return { table: 'api_key_rolls', row: accountId, column: 'sealed_key', version }
}

function over(): KeyrackError {
  return new KeyrackError('conflict', 'the key that this request made cannot be shown again', {
    hint: 'it was used, replaced, or is more than a day old; ask for a new one with another roll id',
  })
}
