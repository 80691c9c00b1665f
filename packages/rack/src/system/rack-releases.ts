import type { Store } from '@keyrack/server'
import type { RackSchema } from '../database/schema.ts'

const SHOWN_MAX = 20

/** Remembers that this version runs here, unless it was the last one to do so. */
export async function recordRelease(
  store: Store<RackSchema>,
  version: string,
  now: () => number = Date.now,
): Promise<void> {
  await store.transaction(async (tx) => {
    const last = await tx
      .selectFrom('system_releases')
      .select(['id', 'version'])
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst()
    if (last?.version === version) return
    const row = { id: (last?.id ?? 0) + 1, version, created_at: now() }
    await tx.insertInto('system_releases').values(row).execute()
  })
}

/** The answer of `GET /system/releases`: newest first, with the official names (protocol.md 5.4). */
export async function listReleases(store: Store<RackSchema>, rackName: string) {
  const rows = await store.db
    .selectFrom('system_releases')
    .select(['version', 'created_at'])
    .orderBy('id', 'desc')
    .limit(SHOWN_MAX)
    .execute()
  return rows.map(({ version, created_at }) => ({
    app: rackName,
    build: '',
    created: new Date(created_at).toISOString(),
    description: '',
    env: '',
    id: version,
    manifest: '',
  }))
}
