import type { Tx } from '../context.ts'
import type { RollDomain } from './roll-domain.ts'
import { findOpenRoll, moveRoll } from './roll-rows.ts'

/** Ends an open roll that has lost its object, in the transaction that takes it away. */
export async function endSupersededRoll(
  domain: Pick<RollDomain, 'audit' | 'clock'>,
  tx: Tx,
  rackId: string,
  reason: string,
): Promise<void> {
  const roll = await findOpenRoll(tx, rackId)
  if (roll === undefined) return
  await moveRoll(domain, tx, roll, { to: 'failed', changes: { failure: reason }, note: reason })
}
