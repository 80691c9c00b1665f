import { join } from 'node:path'
import { KeyrackError } from '@keyrack/protocol'
import { lockFolder } from '@keyrack/server'
import type { ConsoleConfig } from '../config.ts'

export function consoleFolder(config: Pick<ConsoleConfig, 'dataDir'>): string {
  return join(config.dataDir, 'console')
}

/** Whether a server has the data folder; the lock says so, whatever a killed one left behind. */
export function isRunning(folder: string): boolean {
  try {
    lockFolder(folder, 'Console').release()
    return false
  } catch (error) {
    if (error instanceof KeyrackError && error.code === 'conflict') return true
    throw error
  }
}
