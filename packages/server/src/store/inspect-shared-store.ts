import type { Secret } from '@keyrack/secrets'
import type { Notice } from '../private-folder.ts'
import type { InspectedStore } from '../sqlite/inspect-store.ts'

/** As inspectStore, of a database that is on a PostgreSQL server (the URL holds a password). */
export async function inspectSharedStore<S>(
  url: Secret,
  notice: Notice = () => {},
): Promise<InspectedStore<S>> {
  // Loaded only where it is used: a Rack never does.
  const { inspectPostgresStore } = await import('../postgres/inspect-postgres-store.ts')
  return inspectPostgresStore<S>(url, notice)
}
