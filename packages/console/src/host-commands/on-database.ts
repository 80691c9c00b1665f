import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { KeyrackError } from '@keyrack/protocol'
import { createLogger, type Logger } from '@keyrack/server'
import type { ConsoleConfig } from '../config.ts'
import type { ConsoleContext, RequestContext } from '../context.ts'
import { newId } from '../new-id.ts'
import { type Closing, openContext } from '../open-context.ts'
import { consoleFolder } from './running-console.ts'

/** Refuses a data folder in which no server has ever been started. */
export function requireConsole(config: ConsoleConfig): void {
  if (config.databaseUrl !== undefined || existsSync(join(consoleFolder(config), 'db'))) return
  throw new KeyrackError('not-found', `there is no Console in ${config.dataDir}`, {
    hint: 'set DATA_DIR as for the server',
  })
}

/** Works on the database of a server that does not run. */
export function onDatabase<T>(
  config: ConsoleConfig,
  work: (context: ConsoleContext, request: RequestContext) => Promise<T>,
): Promise<T> {
  return closingAfter(async (closing, log) => {
    const context = await openContext(config, log, closing)
    return work(context, { requestId: newId(), address: '127.0.0.1' })
  })
}

/** Closes what was opened, newest first, however the work ends. */
export async function closingAfter<T>(
  work: (closing: Closing, log: Logger) => Promise<T>,
): Promise<T> {
  const closing: Closing = []
  try {
    return await work(closing, createLogger({ name: 'console', level: 'error' }))
  } finally {
    for (const close of closing.reverse()) await close()
  }
}
