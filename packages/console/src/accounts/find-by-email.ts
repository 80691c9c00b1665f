import type { Kysely } from 'kysely'
import type { Database } from '../database/schema.ts'
import { emailSpellings } from './email.ts'

export interface StoredPassword {
  id: string
  /** As it is stored. */
  email: string
  password_hash: string
}

/** The account of an e-mail address in any spelling; undefined: nobody's. */
export async function findByEmail(
  db: Kysely<Database>,
  email: string,
): Promise<StoredPassword | undefined> {
  const spellings = emailSpellings(email)
  const rows = await db
    .selectFrom('accounts')
    .where('email', 'in', spellings)
    .select(['id', 'password_hash', 'email'])
    .execute()
  rows.sort((a, b) => spellings.indexOf(a.email) - spellings.indexOf(b.email))
  return rows[0]
}
