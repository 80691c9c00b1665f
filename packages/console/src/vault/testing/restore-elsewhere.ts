import { join } from 'node:path'
import { createLogger } from '@keyrack/server'
import { newPostgresDatabase } from '@keyrack/server/testing'
import { inject } from 'vitest'
import type { ConsoleConfig } from '../../config.ts'
import type { Closing } from '../../open-context.ts'
import {
  openDomain,
  REQUEST,
  type TestDomain,
  testConfig,
  testFolder,
} from '../../testing/console-domain.ts'
import { type RestoreReport, restore } from '../restore.ts'

const log = createLogger({ name: 'test', level: 'silent' })

/** The settings of another Console with the same master key, and an empty database of this run's kind. */
export async function elsewhere(
  keyDir: string,
  database: 'SQLite' | 'PostgreSQL' = inject('database'),
): Promise<ConsoleConfig> {
  const folder = testFolder()
  return testConfig(folder, {
    KEY_DIR: keyDir,
    ANCHOR_FILE: join(folder, 'anchor'),
    ...(database === 'SQLite' ? {} : { DATABASE_URL: await newPostgresDatabase() }),
  })
}

export async function restoreTo(
  config: ConsoleConfig,
  file: string,
  force = false,
): Promise<RestoreReport> {
  const closing: Closing = []
  try {
    return await restore(config, log, closing, { file, force }, REQUEST)
  } finally {
    for (const close of closing.reverse()) await close()
  }
}

/** A start with those settings. */
export function openAs({
  dataDir,
  keyDir,
  anchorFile,
  databaseUrl,
}: ConsoleConfig): Promise<TestDomain> {
  const url = databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl.reveal() }
  return openDomain(dataDir, { env: { KEY_DIR: keyDir, ANCHOR_FILE: anchorFile, ...url } })
}
