import { networkOf } from '@keyrack/server'
import type { Tx } from '../context.ts'

/** NIST SP 800-63B-4 3.2.2: at most 100 consecutive failures on one account. */
export const FAILURES_MAX = 100

const DAY_MS = 24 * 60 * 60_000
const FAILURES_KEPT_MS = 30 * DAY_MS
const ADDRESS_KEPT_MS = 90 * DAY_MS

/**
 * After 100 consecutive failures the password of an account is not accepted any more from
 * addresses it has never been used from. From an address it was used from in the last 90 days it
 * still is, on a limit of that address's own, so strangers cannot lock the owner out; and the API
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
  if (known !== undefined && known.failures <= FAILURES_MAX) return true
  await tx
    .deleteFrom('sign_in_failures')
    .where('last_at', '<', now - FAILURES_KEPT_MS)
    .execute()
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
  return failures <= FAILURES_MAX
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
    .where('subject', '=', subject)
    .where('last_at', '<', now - ADDRESS_KEPT_MS)
    .execute()
  await tx
    .insertInto('known_addresses')
    .values({ subject, address: networkOf(address), failures: 0, last_at: now })
    .onConflict((conflict) =>
      conflict.columns(['subject', 'address']).doUpdateSet({ failures: 0, last_at: now }),
    )
    .execute()
}

export async function liftLimit(tx: Tx, subject: string): Promise<void> {
  await tx.deleteFrom('sign_in_failures').where('subject', '=', subject).execute()
}
