import {
  type AuditHead,
  auditHeadText,
  CHAIN_START,
  type SignedAuditHead,
} from '@keyrack/protocol/audit'
import { signText } from '@keyrack/secrets'
import type { Tx } from '../context.ts'
import type { ConsoleIdentity } from '../rack-rolls/console-identity.ts'

/** The newest row of a chain, signed, as it is in this transaction. */
export async function signHead(
  tx: Tx,
  identity: ConsoleIdentity,
  chain: string,
  now: number,
): Promise<SignedAuditHead> {
  const row = await tx
    .selectFrom('audit')
    .where('chain', '=', chain)
    .select(['sequence', 'hash'])
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst()
  const { sequence, hash } = row ?? { sequence: 0, hash: CHAIN_START }
  const head: AuditHead = { console: identity.id, chain, sequence, hash, at: now }
  const signature = signText(identity.privateKey, auditHeadText(head))
  return { ...head, signature, public_key: identity.publicKey }
}
