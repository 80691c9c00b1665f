import { sha256Hex } from '@keyrack/secrets'
import type { Domain } from '../context.ts'
import type { AccountEntry } from '../directory.ts'
import { ABSOLUTE_MS, isOver, TOUCH_MS } from './limits.ts'

export interface Session {
  id: string
  account: AccountEntry
  createdAt: number
  expiresAt: number
}

/** 32 bytes in base64url. */
const TOKEN = /^[A-Za-z0-9_-]{43}$/

/** The session of a cookie's value, or undefined when it is unknown, ended, idle too long or too old. */
export async function findSession(
  domain: Pick<Domain, 'store' | 'clock' | 'directory' | 'freshness' | 'log'>,
  token: string,
): Promise<Session | undefined> {
  if (!TOKEN.test(token)) return undefined
  const row = await domain.store.db
    .selectFrom('sessions')
    .where('token_hash', '=', sha256Hex(token))
    .selectAll()
    .executeTakeFirst()
  const now = domain.clock()
  if (row === undefined || isOver(row, now)) return undefined
  // A session of an account that is not known is of one that was made elsewhere a moment ago.
  if (domain.directory.accountById(row.account_id) === undefined) await domain.freshness.newest()
  const account = domain.directory.accountById(row.account_id)
  if (account === undefined) return undefined
  if (now - row.last_used_at >= TOUCH_MS) {
    const touched = domain.store.transaction((tx) =>
      tx.updateTable('sessions').set({ last_used_at: now }).where('id', '=', row.id).execute(),
    )
    // On a full disk pages are still read; the session only ends earlier than it would have.
    await touched.catch((error: unknown) =>
      domain.log.warn({ err: error }, 'when a session was used is not written down'),
    )
  }
  return { id: row.id, account, createdAt: row.created_at, expiresAt: row.created_at + ABSOLUTE_MS }
}
