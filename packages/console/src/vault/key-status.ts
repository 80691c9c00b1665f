import type { MasterKey } from '@keyrack/secrets'
import type { ConsoleContext } from '../context.ts'
import { keyUsage, total } from './key-usage.ts'

export interface KeyStatus {
  id: string
  /** Milliseconds since 1970; null for a key that is not in KEY_DIR. */
  created_at: number | null
  /** Where its file is opened; null for a key that is not in KEY_DIR. */
  kind: 'file' | 'aws-kms' | null
  /** The key of AWS KMS that wraps it. */
  wrapped_by: string | null
  /** Seals what is written from now on. */
  current: boolean
  /** Whether its file is in KEY_DIR of this Console. */
  present: boolean
  /** How many values of the database it seals. */
  values: number
  /** The same by `table.column`. */
  columns: Record<string, number>
}

/** Every master key that is in KEY_DIR or that the database needs, the newest first. */
export async function keyStatus({
  store,
  keyring,
}: Pick<ConsoleContext, 'store' | 'keyring'>): Promise<KeyStatus[]> {
  const usage = await store.read((tx) => keyUsage(tx))
  const ids = new Set([...keyring.ids(), ...usage.keys()])
  return [...ids]
    .map((id) => {
      const key = keyring.get(id)
      return {
        id,
        created_at: key?.createdAt ?? null,
        kind: key === undefined ? null : kindOf(key),
        wrapped_by: key?.wrappedBy ?? null,
        current: keyring.current.id === id,
        present: key !== undefined,
        values: total(usage, id),
        columns: Object.fromEntries(usage.get(id) ?? []),
      }
    })
    .sort((a, b) => (b.created_at ?? 0) - (a.created_at ?? 0) || (a.id < b.id ? -1 : 1))
}

function kindOf({ wrappedBy }: MasterKey): 'file' | 'aws-kms' {
  return wrappedBy === undefined ? 'file' : 'aws-kms'
}
