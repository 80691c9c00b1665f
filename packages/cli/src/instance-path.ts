import { UsageError } from './failures.ts'

/** The path of an instance. An id that could mean another path is refused, not escaped. */
export function instancePath(id: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/.test(id)) {
    throw new UsageError(`"${id}" is not an instance`, 'see which there are: convox instances')
  }
  return `/instances/${id}`
}
