import { join } from 'node:path'
import { newPostgresDatabase } from '@keyrack/server/testing'
import { createKey } from '../create-key.ts'
import { testFolder } from './console-domain.ts'

/** The settings of two Consoles on one database, with the one master key they share. */
export async function twoConsoles() {
  const url = await newPostgresDatabase()
  const keyDir = join(testFolder(), 'keys')
  createKey(keyDir)
  return {
    url,
    env: { DATABASE_URL: url, KEY_DIR: keyDir },
    folders: [testFolder(), testFolder()] as const,
  }
}
