import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { errorText, KeyrackError } from '@keyrack/protocol'
import { sealedWith } from '@keyrack/secrets'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openKeyring } from './canary.ts'
import { loadKeyring } from './key-folder.ts'
import { openStore } from './store/open-store.ts'
import type { Store } from './store/store.ts'
import { temporaryFolder } from './testing/temporary-folder.ts'

interface Schema {
  canary: { id: string; sealed: string }
}

let temporary: ReturnType<typeof temporaryFolder>
let folder: string
let store: Store<Schema>

beforeEach(async () => {
  temporary = temporaryFolder()
  folder = join(temporary.path, 'keys')
  store = await openStore<Schema>({
    file: join(temporary.path, 'db'),
    migrations: [
      {
        id: 1,
        name: 'canary',
        up: (tx) =>
          tx.schema
            .createTable('canary')
            .addColumn('id', 'text', (column) => column.primaryKey())
            .addColumn('sealed', 'text', (column) => column.notNull())
            .execute(),
      },
    ],
  })
})
afterEach(async () => {
  await store.close()
  temporary.remove()
})

const canary = {
  async read() {
    const row = await store.db.selectFrom('canary').select('sealed').executeTakeFirst()
    return row?.sealed
  },
  async write(sealed: string) {
    await store.db.insertInto('canary').values({ id: 'canary', sealed }).execute()
  },
}
const start = (mayCreate = true) => openKeyring({ folder, mayCreate, canary })

async function refusal(mayCreate = true): Promise<string> {
  const error = await start(mayCreate).then(
    () => new Error('it started'),
    (failure: unknown) => failure,
  )
  expect(error).toBeInstanceOf(KeyrackError)
  return errorText(error as KeyrackError)
}

describe('the canary', () => {
  it('is sealed at the first start and opened at every later one', async () => {
    const first = await start()
    const sealed = await canary.read()
    expect(sealedWith(sealed ?? '')).toBe(first.newest.id)
    const second = await start()
    expect(second.ids()).toEqual(first.ids())
    expect(await canary.read()).toBe(sealed)
  })

  it('keeps a lost key from being replaced: the start is refused, naming key and folder', async () => {
    const { newest } = await start()
    rmSync(join(folder, `${newest.id}.key`))
    const text = await refusal()
    expect(text).toContain(`sealed with the master key ${newest.id}, which is not in ${folder}`)
    expect(readdirSync(folder)).toEqual([])
  })

  it('keeps a whole lost folder from being made anew', async () => {
    const { newest } = await start()
    renameSync(folder, join(temporary.path, 'moved'))
    expect(await refusal()).toContain(newest.id)
    expect(existsSync(folder)).toBe(false)
    renameSync(join(temporary.path, 'moved'), folder)
    await start()
  })

  it('refuses the key of another server', async () => {
    const { newest } = await start()
    rmSync(join(folder, `${newest.id}.key`))
    await loadKeyring({ folder, createIfMissing: true })
    expect(await refusal()).toContain(`put the file ${newest.id}.key back`)
  })

  it('opens with a key that is no longer the newest', async () => {
    const { newest } = await start()
    const other = join(temporary.path, 'other')
    const newer = await loadKeyring({
      folder: other,
      createIfMissing: true,
      now: () => Date.now() + 1000,
    })
    renameSync(join(other, `${newer.newest.id}.key`), join(folder, `${newer.newest.id}.key`))
    const keyring = await start()
    expect(keyring.newest.id).toBe(newer.newest.id)
    expect(keyring.ids()).toContain(newest.id)
  })

  it.each([
    ['changed', (sealed: string) => `${sealed.slice(0, -2)}${sealed.endsWith('AA') ? 'BB' : 'AA'}`],
    ['cut off', (sealed: string) => sealed.slice(0, 30)],
    ['emptied', () => ''],
  ])('that was %s stops the start', async (_what, damage) => {
    await start()
    const sealed = (await canary.read()) ?? ''
    await store.db
      .updateTable('canary')
      .set({ sealed: damage(sealed) })
      .execute()
    expect(await refusal()).toContain('the canary of the database does not open')
  })

  it('is never sealed with a new key where none may be made', async () => {
    expect(await refusal(false)).toContain(`there is no master key in ${folder}`)
    expect(await canary.read()).toBeUndefined()
    expect(existsSync(folder)).toBe(false)
  })
})
