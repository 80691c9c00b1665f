import type { Store } from '@keyrack/server'
import type { Domain } from '../context.ts'
import type { ConsoleDirectory } from '../directory.ts'
import { nextDirectoryVersion } from './directory-version.ts'
import { loadSnapshot } from './load-snapshot.ts'
import type { Database } from './schema.ts'

/** Where Consoles on one database tell each other of a new version. */
export const DIRECTORY_CHANNEL = 'keyrack_directory'

/**
 * The one door for writes that the directory shows. The next snapshot is loaded inside the
 * transaction: a write whose snapshot cannot be loaded is rolled back, so what is durable and what
 * requests are answered from never differ. The version orders the snapshots, here and on every other
 * Console, which hears of it when, and only if, the transaction is committed.
 */
export function createCommit(
  store: Store<Database>,
  directory: ConsoleDirectory,
): Domain['commit'] {
  return async (work) => {
    const { result, snapshot, version } = await store.transaction(async (tx) => {
      const result = await work(tx)
      const version = await nextDirectoryVersion(tx)
      await store.shared?.announce(tx, DIRECTORY_CHANNEL, String(version))
      return { result, snapshot: await loadSnapshot(tx), version }
    })
    directory.swap(snapshot, version)
    return result
  }
}
