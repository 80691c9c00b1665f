import { generateSigningKey, type Keyring, open, type Secret, seal } from '@keyrack/secrets'
import type { Domain } from '../context.ts'
import { newId } from '../new-id.ts'

/** As whom this installation registers with its Racks: all Consoles of one database are one. */
export interface ConsoleIdentity {
  id: string
  /** Ed25519, raw, base64url. */
  publicKey: string
  privateKey: Secret
}

/** Made once; a second Console that comes at the same moment takes the first one's. */
export async function consoleIdentity(
  { store, clock }: Pick<Domain, 'store' | 'clock'>,
  keyring: Keyring,
): Promise<ConsoleIdentity> {
  const known = await store.transaction(async (tx) => {
    const row = await tx.selectFrom('console_identity').selectAll().executeTakeFirst()
    if (row !== undefined) return row
    const { publicKey, privateKey } = generateSigningKey()
    const id = newId()
    return tx
      .insertInto('console_identity')
      .values({
        id: 1,
        console_id: id,
        public_key: publicKey,
        sealed_private_key: seal(keyring, privateKey, contextOf(id)),
        created_at: clock(),
      })
      .returningAll()
      .executeTakeFirstOrThrow()
  })
  return {
    id: known.console_id,
    publicKey: known.public_key,
    privateKey: open(keyring, known.sealed_private_key, contextOf(known.console_id)),
  }
}

function contextOf(id: string) {
  return { table: 'console_identity', row: id, column: 'sealed_private_key', version: 1 }
}
