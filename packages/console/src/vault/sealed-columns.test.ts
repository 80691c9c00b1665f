import { describe, expect, it } from 'vitest'
import { founder, openDomain } from '../testing/console-domain.ts'
import { tablesOf } from './dump-rows.ts'
import { readSealed, SEALED_COLUMNS } from './sealed-columns.ts'
import { addSealedRacks } from './testing/sealed-racks.ts'

describe('the list of sealed columns', () => {
  it('has every column of the schema that is named so', async () => {
    const domain = await openDomain()
    const schema = (await tablesOf(domain.store.db)).flatMap(({ name, columns }) =>
      columns
        .filter((column) => /(^|_)sealed(_|$)/.test(column))
        .map((column) => `${name}.${column}`),
    )
    const listed = SEALED_COLUMNS.map(({ table, column }) => `${table}.${column}`)
    expect(schema.length).toBeGreaterThan(2)
    expect(listed.toSorted()).toEqual(schema.toSorted())
  })

  it('reads all values in parts, each once', async () => {
    const domain = await openDomain()
    const ada = await founder(domain)
    await addSealedRacks(domain, ada.organization.id, 7)
    const racks = SEALED_COLUMNS.find(({ table }) => table === 'racks')
    if (racks === undefined) throw new TypeError('racks are sealed')
    const rows: string[] = []
    for (let after = undefined as Awaited<ReturnType<typeof readSealed>>[number] | undefined; ; ) {
      const part = await readSealed(domain.store.db, racks, { after, limit: 3 })
      rows.push(...part.map(({ row }) => row))
      after = part.at(-1)
      if (after === undefined) break
    }
    expect(rows).toEqual([0, 1, 2, 3, 4, 5, 6].map((index) => `rack-000${index}`))
    const none = { except: domain.keyring.current.id }
    expect(await readSealed(domain.store.db, racks, none)).toEqual([])
  })
})
