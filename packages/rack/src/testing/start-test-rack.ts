import { createClient } from '@keyrack/protocol/client'
import { hashApiKey, mintApiKey, type Secret } from '@keyrack/secrets'
import { beforeAll, onTestFinished } from 'vitest'
import { readConfig } from '../config.ts'
import type { ClockSource } from '../rack-keys/seen-clock.ts'
import { type RunningRack, startRack } from '../wire.ts'
import { collectLog } from './collect-log.ts'
import { type AtEnd, temporaryFolder } from './temporary-folder.ts'

export interface TestRack extends RunningRack {
  key: Secret
  port: number
  dataDir: string
  /** What the Rack has logged so far. */
  lines: string[]
  /** A client with the Rack's key, or with another password. */
  client(password?: Secret): ReturnType<typeof createClient>
  instanceIds(): Promise<string[]>
  /** Of the first instance's shell, or of another of its streams. */
  shellPath(route?: string): Promise<string>
}

export interface TestRackOptions {
  dataDir?: string
  key?: Secret
  clock?: ClockSource
}

/** A real Rack in this process: HTTPS, its database, the local engine with three instances. */
export async function startTestRack(
  { key = mintApiKey('rack'), ...given }: TestRackOptions = {},
  atEnd: AtEnd = onTestFinished,
): Promise<TestRack> {
  const dataDir = given.dataDir ?? temporaryFolder(atEnd)
  const { log, lines } = collectLog()
  const { PATH, HOME, TMPDIR } = process.env
  const config = readConfig({
    env: { PATH, HOME, TMPDIR, DATA_DIR: dataDir, RACK_KEY_HASH: hashApiKey(key) },
  })
  const { clock } = given
  const rack = await startRack(config, log, clock === undefined ? {} : { clock })
  atEnd(() => rack.stop())
  const client = (password: Secret = key) =>
    createClient({ url: rack.url, pin: rack.fingerprint, password, version: 'test' })
  const instanceIds = async () => {
    const { body } = await client().request('GET', '/instances')
    return (JSON.parse(body) as Array<{ id: string }>).map(({ id }) => id)
  }
  const shellPath = async (route = 'shell') => {
    const [id] = await instanceIds()
    return `/instances/${id}/${route}`
  }
  const port = Number(new URL(rack.url).port)
  return { ...rack, key, port, dataDir, lines, client, instanceIds, shellPath }
}

/** One Rack for all tests of a file. */
export function shareTestRack(): () => TestRack {
  let shared: TestRack | undefined
  beforeAll(async () => {
    const ends: Array<() => void | Promise<void>> = []
    shared = await startTestRack({}, (end) => ends.unshift(end))
    return async () => {
      for (const end of ends) await end()
    }
  })
  return () => {
    if (shared === undefined) throw new TypeError('the shared Rack runs within tests only')
    return shared
  }
}
