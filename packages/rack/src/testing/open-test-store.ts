import { join } from 'node:path'
import { openStore, type Store } from '@keyrack/server'
import { onTestFinished } from 'vitest'
import { MIGRATIONS } from '../database/migrations.ts'
import type { RackSchema } from '../database/schema.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** A real store with the Rack's schema, closed when the test is over. */
export async function openTestStore(
  file = join(temporaryFolder(), 'db'),
): Promise<Store<RackSchema>> {
  const store = await openStore<RackSchema>({ file, migrations: MIGRATIONS })
  onTestFinished(() => store.close())
  return store
}
