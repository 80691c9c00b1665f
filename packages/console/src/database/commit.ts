import type { Store } from '@keyrack/server'
import type { Domain } from '../context.ts'
import type { ConsoleDirectory } from '../directory.ts'
import { loadSnapshot } from './load-snapshot.ts'
import type { Database } from './schema.ts'

/**
 * The one door for writes that the directory shows. The next snapshot is loaded inside the
 * transaction: a write whose snapshot cannot be loaded is rolled back, so what is durable and what
 * requests are answered from never differ. Transactions run one after another, so the number taken
 * inside one orders the snapshots.
 */
export function createCommit(
  store: Store<Database>,
  directory: ConsoleDirectory,
): Domain['commit'] {
  return async (work) => {
    const { result, snapshot, number } = await store.transaction(async (tx) => {
      const result = await work(tx)
      return { result, snapshot: await loadSnapshot(tx), number: directory.nextNumber() }
    })
    directory.swap(snapshot, number)
    return result
  }
}
