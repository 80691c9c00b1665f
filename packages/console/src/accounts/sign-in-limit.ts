import { networkOf } from '@keyrack/server'
import type { Tx } from '../context.ts'

/** NIST SP 800-63B-4 3.2.2: at most 100 consecutive failures on one account. */
export const FAILURES_MAX = 100

const DAY_MS = 24 * 60 * 60_000
const FAILURES_KEPT_MS = 30 * DAY_MS
const ADDRESS_KEPT_MS = 90 * DAY_MS
/** Whatever strangers type has a row: made-up addresses must not fill the disk. */
export const SUBJECTS_MAX = 10_000
/** Of one account: somebody who travels, or whose IPv6 network changes daily. */
export const ADDRESSES_MAX = 100

/**
 * After 100 consecutive failures the password of an account is not accepted any more from
 * addresses it has never been used from. From an address it was used from in the last 90 days it
 * still is, on a limit of that address's own, so strangers cannot lock the owner out; what fails
 * there counts for all others, so that knowing many addresses is not as many limits; and the API
 * key always works: regenerating it (`convox` is signed in with it) lifts the limit. Everything is
 * kept by a hash of the e-mail as typed, so what happens is the same for accounts that do not exist.
 *
 * Counts the attempt as failed, before the password is verified. False: the limit is reached.
 */
export async function countAttempt(
  tx: Tx,
  subject: string,
  address: string,
  now: number,
): Promise<boolean> {
  const network = networkOf(address)
  const known = await tx
    .updateTable('known_addresses')
    .set((row) => ({ failures: row('failures', '+', 1) }))
    .where('subject', '=', subject)
    .where('address', '=', network)
    .where('last_at', '>', now - ADDRESS_KEPT_MS)
    .returning('failures')
    .executeTakeFirst()
  await forgetFailures(tx, now)
  const { failures } = await tx
    .insertInto('sign_in_failures')
    .values({ subject, failures: 1, last_at: now })
    .onConflict((conflict) =>
      conflict.column('subject').doUpdateSet((row) => ({
        failures: row('sign_in_failures.failures', '+', 1),
        last_at: now,
      })),
    )
    .returning('failures')
    .executeTakeFirstOrThrow()
  return (known?.failures ?? failures) <= FAILURES_MAX
}

/** What is old; and of more than there may be, those that were guessed at least, a tenth at a time. */
async function forgetFailures(tx: Tx, now: number): Promise<void> {
  await tx
    .deleteFrom('sign_in_failures')
    .where('last_at', '<', now - FAILURES_KEPT_MS)
    .execute()
  const { subjects } = await tx
    .selectFrom('sign_in_failures')
    .select((row) => row.fn.countAll<number>().as('subjects'))
    .executeTakeFirstOrThrow()
  if (Number(subjects) < SUBJECTS_MAX) return
  const least = tx
    .selectFrom('sign_in_failures')
    .select('subject')
    .orderBy('failures')
    .orderBy('last_at')
    .limit(SUBJECTS_MAX / 10)
  await tx.deleteFrom('sign_in_failures').where('subject', 'in', least).execute()
}

/** The owner was here: nothing is counted any more, and the address is known. */
export async function rememberAddress(
  tx: Tx,
  subject: string,
  address: string,
  now: number,
): Promise<void> {
  await liftLimit(tx, subject)
  await tx
    .deleteFrom('known_addresses')
    .where('last_at', '<', now - ADDRESS_KEPT_MS)
    .execute()
  await tx
    .insertInto('known_addresses')
    .values({ subject, address: networkOf(address), failures: 0, last_at: now })
    .onConflict((conflict) =>
      conflict.columns(['subject', 'address']).doUpdateSet({ failures: 0, last_at: now }),
    )
    .execute()
  const newest = tx
    .selectFrom('known_addresses')
    .where('subject', '=', subject)
    .select('address')
    .orderBy('last_at', 'desc')
    .limit(ADDRESSES_MAX)
  await tx
    .deleteFrom('known_addresses')
    .where('subject', '=', subject)
    .where('address', 'not in', newest)
    .execute()
}

export async function liftLimit(tx: Tx, subject: string): Promise<void> {
  await tx.deleteFrom('sign_in_failures').where('subject', '=', subject).execute()
}
