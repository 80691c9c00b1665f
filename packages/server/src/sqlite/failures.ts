/** True when a statement failed on a unique index; `column` as 'table.column' asks for that one. */
export function isUniqueViolation(_error: unknown, _column?: string): boolean {
  throw new Error('not written yet')
}
