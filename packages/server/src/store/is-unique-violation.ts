import { postgresUniqueColumns } from '../postgres/failures.ts'
import { sqliteUniqueColumns } from '../sqlite/failures.ts'

/**
 * True when a statement failed on a unique index. `column` asks for one index: any of its columns
 * as 'table.column', or for an index over expressions its name as "index 'name'".
 */
export function isUniqueViolation(error: unknown, column?: string): boolean {
  const columns = sqliteUniqueColumns(error) ?? postgresUniqueColumns(error)
  if (columns === undefined) return false
  return column === undefined || columns.includes(column)
}
