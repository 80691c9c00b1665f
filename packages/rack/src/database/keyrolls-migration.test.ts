import { join } from 'node:path'
import { createMasterKey, Keyring } from '@keyrack/secrets'
import { openStore } from '@keyrack/server'
import { expect, it } from 'vitest'
import { SshKeys } from '../instances/ssh-keys.ts'
import { openTestStore } from '../testing/open-test-store.ts'
import { temporaryFolder } from '../testing/temporary-folder.ts'
import { MIGRATIONS } from './migrations.ts'
import type { RackSchema } from './schema.ts'

it('a Rack of before goes on with its SSH key as the current generation', async () => {
  const file = join(temporaryFolder(), 'db')
  const keyring = new Keyring([createMasterKey()])
  const now = await openTestStore()
  await new SshKeys(now, keyring).ensureFirst()
  const { state, ...row } = await now.db
    .selectFrom('ssh_keys')
    .selectAll()
    .executeTakeFirstOrThrow()
  expect(state).toBe('current')

  const before = await openStore<RackSchema>({ file, migrations: MIGRATIONS.slice(0, 2) })
  await before.db.insertInto('ssh_keys').values(row).execute()
  await before.close()

  const keys = new SshKeys(await openTestStore(file), keyring)
  expect(await keys.live()).toEqual([{ generation: 1, state: 'current', line: row.public_key }])
  expect((await keys.keysFor('i-1')).map(({ generation }) => generation)).toEqual([1])
})
