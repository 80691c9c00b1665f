import { SealError, sealedWith } from '@keyrack/secrets'
import type { Kysely } from 'kysely'
import type { Database } from '../database/schema.ts'
import {
  readSealed,
  SEALED_COLUMNS,
  type SealedColumn,
  type SealedValue,
} from './sealed-columns.ts'

/** How many values each master key seals, by `table.column`. */
export type KeyUsage = ReadonlyMap<string, ReadonlyMap<string, number>>

/** What is no sealed text at all counts for no key; `keys verify` lists it. */
export async function keyUsage(
  db: Kysely<Database>,
  counts: (column: SealedColumn, value: SealedValue) => boolean = () => true,
): Promise<KeyUsage> {
  const usage = new Map<string, Map<string, number>>()
  for (const column of SEALED_COLUMNS) {
    const name = `${column.table}.${column.column}`
    for (const value of await readSealed(db, column)) {
      const id = keyIdOf(value.sealed)
      if (id === undefined || !counts(column, value)) continue
      const ofKey = usage.get(id) ?? new Map<string, number>()
      ofKey.set(name, (ofKey.get(name) ?? 0) + 1)
      usage.set(id, ofKey)
    }
  }
  return usage
}

export function total(usage: KeyUsage, id: string): number {
  return [...(usage.get(id)?.values() ?? [])].reduce((sum, count) => sum + count, 0)
}

function keyIdOf(sealed: string): string | undefined {
  try {
    return sealedWith(sealed)
  } catch (error) {
    if (error instanceof SealError) return undefined
    throw error
  }
}
