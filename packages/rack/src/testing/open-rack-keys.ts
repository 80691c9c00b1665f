import { cpSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { hashApiKey, mintApiKey, type Secret } from '@keyrack/secrets'
import { onTestFinished } from 'vitest'
import { RackKeys } from '../rack-keys/rack-keys.ts'
import type { ClockSource } from '../rack-keys/seen-clock.ts'
import { SystemLog } from '../system/system-log.ts'
import { collectLog } from './collect-log.ts'
import { openTestStore } from './open-test-store.ts'
import { temporaryFolder } from './temporary-folder.ts'

interface Given {
  file?: string
  clock?: ClockSource
  key?: Secret
  writeEveryMs?: number
}

/** The keys of a Rack on a real database, without the rest of it. */
export async function openRackKeys(given: Given = {}) {
  const { file = join(temporaryFolder(), 'db'), key = mintApiKey('rack') } = given
  const store = await openTestStore(file)
  const { log, lines } = collectLog()
  const systemLog = await SystemLog.open({ store, log })
  const clock = given.clock === undefined ? {} : { clock: given.clock }
  const configuredHash = hashApiKey(key)
  const { writeEveryMs = 10_000 } = given
  const options = { store, systemLog, log, configuredHash, writeEveryMs, ...clock }
  const keys = await RackKeys.open(options)
  onTestFinished(() => keys.close())
  return { keys, store, systemLog, lines, file, key, idOf: (one: Secret) => idOf(keys, one) }
}

/** What the Rack calls a key that it accepts now. */
export function idOf(keys: RackKeys, key: Secret): string | undefined {
  return keys.live().find(({ hash }) => hash === hashApiKey(key))?.id
}

/** What a kill -9 at this moment would leave on the disk, in a folder of its own. */
export function filesAsTheyAre(file: string): string {
  const folder = temporaryFolder()
  cpSync(dirname(file), folder, { recursive: true })
  return join(folder, basename(file))
}
