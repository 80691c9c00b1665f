import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { errorText, KeyrackError } from '@keyrack/protocol'
import { type InspectedStore, inspectSharedStore, inspectStore } from '@keyrack/server'
import { type ConsoleConfig, readConfig } from '../config.ts'
import type { Database } from '../database/schema.ts'
import { checkCertificate } from './checks/check-certificate.ts'
import { checkDatabase, checkMasterKey } from './checks/check-database.ts'
import { checkLocalRack } from './checks/check-local-rack.ts'
import { checkModes } from './checks/check-modes.ts'
import { checkPortsFree, checkServing } from './checks/check-ports.ts'
import { noMoreArguments } from './no-more-arguments.ts'
import { consoleFolder, isRunning } from './running-console.ts'

/** Resolves to what is well; throws a KeyrackError that says what is not, and what to do. */
export type Check = () => Promise<string> | string

/** Looks and changes nothing. Ends with 1 if anything failed. */
export async function doctorCommand(args: readonly string[]): Promise<number> {
  noMoreArguments(args)
  let config: ConsoleConfig | undefined
  await run('settings', () => {
    config = readConfig({ env: process.env })
    return `DATA_DIR is ${config.dataDir}`
  })
  if (config === undefined) return 1
  return (await examine(config)) ? 0 : 1
}

async function examine(config: ConsoleConfig): Promise<boolean> {
  const folder = consoleFolder(config)
  const onServer = config.databaseUrl !== undefined
  if (!onServer && !existsSync(join(folder, 'db'))) {
    const data = await run('data', () => 'nothing there yet; the first start makes it')
    return (await run('ports', () => checkPortsFree(config))) && data
  }
  const modes = await run('file modes', () => checkModes(config))
  let running = false
  const results = [
    modes,
    await run('server', () => {
      running = isRunning(folder)
      return running ? checkServing(folder) : 'not running'
    }),
    running || (await run('ports', () => checkPortsFree(config))),
    await run('certificate', () => checkCertificate(config)),
  ]
  let store: InspectedStore<Database> | undefined
  const database = await run('database', async () => {
    store = await (config.databaseUrl === undefined
      ? inspectStore<Database>(join(folder, 'db'))
      : inspectSharedStore<Database>(config.databaseUrl, warn))
    return checkDatabase(store)
  })
  results.push(database)
  if (store === undefined) return false
  const opened = store
  try {
    // Reading the keys takes away what others may do with them, and a doctor only looks.
    if (modes) results.push(await run('master key', () => checkMasterKey(opened, config)))
    if (!onServer) {
      results.push(await run('local Rack', () => checkLocalRack(opened, config, running)))
    }
  } finally {
    await opened.close()
  }
  return results.every(Boolean)
}

async function run(name: string, check: Check): Promise<boolean> {
  try {
    say('ok', name, await check())
    return true
  } catch (error) {
    if (!(error instanceof KeyrackError)) throw error
    say('failed', name, errorText(error))
    return false
  }
}

function warn(text: string): void {
  process.stderr.write(`WARNING: ${text}\n`)
}

function say(result: 'ok' | 'failed', name: string, text: string): void {
  const lines = text.split('\n').join(`\n${' '.repeat(23)}`)
  process.stdout.write(`${result.padEnd(8)}${name.padEnd(15)}${lines}\n`)
}
