import type { Store } from '@keyrack/server'
import type { Domain } from '../context.ts'
import type { ConsoleDirectory } from '../directory.ts'
import type { CredentialLedger } from '../vault/credential-ledger.ts'
import { keepLedger } from '../vault/write-credential.ts'
import { nextDirectoryVersion } from './directory-version.ts'
import { loadSnapshot } from './load-snapshot.ts'
import type { Database } from './schema.ts'

/** Where Consoles on one database tell each other of a new version. */
export const DIRECTORY_CHANNEL = 'keyrack_directory'

/**
 * The one door for writes that the directory shows. The next snapshot is loaded inside the
 * transaction: a write whose snapshot cannot be loaded is rolled back, so what is durable and what
 * requests are answered from never differ. The version orders the snapshots, here and on every other
 * Console, which hears of it when, and only if, the transaction is committed. Credentials can be
 * written here and nowhere else.
 */
export function createCommit(
  store: Store<Database>,
  directory: ConsoleDirectory,
  ledger: CredentialLedger,
): Domain['commit'] {
  return async (work) => {
    const { seen } = ledger
    const { result, snapshot, version, examined } = await store.transaction(async (tx) => {
      keepLedger(tx, ledger)
      const result = await work(tx)
      const version = await nextDirectoryVersion(tx)
      await store.shared?.announce(tx, DIRECTORY_CHANNEL, String(version))
      const examined = await ledger.examine(tx, seen)
      return { result, snapshot: await loadSnapshot(tx, examined), version, examined }
    })
    ledger.adopt(examined)
    directory.swap(snapshot, version)
    return result
  }
}
