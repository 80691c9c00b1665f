import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openStore } from '../store/open-store.ts'
import { startProgram } from '../testing/child-program.ts'
import { ROWS_MIGRATION, type RowsSchema } from '../testing/rows-schema.ts'
import { temporaryFolder } from '../testing/temporary-folder.ts'

describe('a writer that is killed', () => {
  it('loses no acknowledged row and leaves no half transaction, kill after kill', async () => {
    const folder = temporaryFolder()
    onTestFinished(folder.remove)
    const file = join(folder.path, 'db')
    const acknowledged = new Set<number>()

    for (let round = 0; round < 8; round += 1) {
      const acknowledgements = randomInt(1, 60)
      const writer = startProgram('write-rows', [file])
      onTestFinished(() => void writer.process.kill('SIGKILL'))
      await new Promise<void>((resolve, reject) => {
        writer.process.stdout?.on('data', () => {
          if (numbers(writer.output()).length < acknowledgements) return
          writer.process.kill('SIGKILL')
          resolve()
        })
        void writer.ended.then((end) => reject(new Error(`ended early: ${JSON.stringify(end)}`)))
      })
      expect((await writer.ended).signal).toBe('SIGKILL')
      for (const n of numbers(writer.output())) acknowledged.add(n)

      const store = await openStore<RowsSchema>({ file, migrations: [ROWS_MIGRATION] })
      const rows = await store.db.selectFrom('rows').select(['id', 'n']).execute()
      await store.close()
      const ids = new Set(rows.map((row) => row.id))
      const lost = [...acknowledged].filter((n) => !ids.has(`${n}-first`))
      const halves = rows.filter((row) => !ids.has(`${row.n}-first`) || !ids.has(`${row.n}-second`))
      expect({ lost, halves }).toEqual({ lost: [], halves: [] })
    }
    expect(acknowledged.size).toBeGreaterThanOrEqual(8)
  })

  it('leaves the schema at the last whole migration when it dies inside one', async () => {
    const folder = temporaryFolder()
    onTestFinished(folder.remove)
    const file = join(folder.path, 'db')
    const dying = startProgram('die-in-migration', [file])
    expect((await dying.ended).signal).toBe('SIGKILL')

    const store = await openStore<RowsSchema>({ file, migrations: [ROWS_MIGRATION] })
    onTestFinished(() => store.close())
    expect(store.migrated).toEqual({ from: 1, to: 1, ran: [] })
    expect(await store.db.selectFrom('rows').selectAll().execute()).toEqual([])
    const tables = await store.db.introspection.getTables()
    expect(tables.map((table) => table.name)).not.toContain('half')
  })
})

/** The whole lines only: a number cut off by the kill was not yet acknowledged. */
function numbers(output: string): number[] {
  return output.split('\n').slice(0, -1).map(Number)
}
