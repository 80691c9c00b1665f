import type { ConsoleContext, RequestContext } from '../context.ts'
import type { ReconciledRack } from '../rack-rolls/reconcile.ts'
import { endPause, pauseOf } from './pause.ts'

export interface Reconciliation {
  racks: ReconciledRack[]
  /** Why the Console is still paused, or null. */
  paused: string | null
}

/**
 * Compares the keys of a restored Console with what its Racks take now, gets back those that were
 * rolled since, and ends the pause when every Rack can be reached, or when it is forced.
 */
export async function reconcile(
  { store, rolls, audit }: Pick<ConsoleContext, 'store' | 'rolls' | 'audit'>,
  force: boolean,
  request: RequestContext,
): Promise<Reconciliation> {
  const racks = await rolls.reconcile()
  const failed = racks.filter(({ works }) => !works).length
  if (failed > 0 && !force) return { racks, paused: (await pauseOf(store.db)) ?? null }
  await store.transaction(async (tx) => {
    await endPause(tx)
    await audit.record(
      {
        organizationId: null,
        actor: { id: null, name: 'the operator of the server' },
        action: 'database.reconcile',
        target: `${racks.length} Racks`,
        ...request,
      },
      { status: 200, note: `${failed} of them not reached` },
      tx,
    )
  })
  return { racks, paused: null }
}
