import type { TestProject } from 'vitest/node'
import { type PostgresServerProcess, postgresPrograms, startPostgres } from './postgres-server.ts'

/** Several projects of one run share the server; modules are loaded once for each of them. */
const shared = globalThis as {
  keyrackPostgres?: { users: number; server: Promise<PostgresServerProcess> }
}

/** Vitest's global set-up: one PostgreSQL server per run, if its programs are there. */
export async function setup(project: TestProject): Promise<void> {
  if (postgresPrograms() === undefined) {
    project.provide('postgres', undefined)
    return
  }
  shared.keyrackPostgres ??= { users: 0, server: startPostgres() }
  shared.keyrackPostgres.users += 1
  project.provide('postgres', (await shared.keyrackPostgres.server).url)
}

export async function teardown(): Promise<void> {
  const running = shared.keyrackPostgres
  if (running === undefined) return
  running.users -= 1
  if (running.users > 0) return
  delete shared.keyrackPostgres
  await (await running.server).stop()
}
