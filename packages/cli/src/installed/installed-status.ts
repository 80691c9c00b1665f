import { readKeys } from '../config-folder/login-state.ts'
import { connectTo } from '../connect.ts'
import type { Context } from '../context.ts'
import { Failure } from '../failures.ts'
import { parseHost } from '../host.ts'
import {
  type InstallRecord,
  installedFolder,
  installedNames,
  readRecord,
} from './installed-rack.ts'
import { findProcess } from './rack-process.ts'

export interface InstalledRack {
  name: string
  /** Undefined as long as the installation has not got that far, or when it was damaged. */
  host: string | undefined
  /** `incomplete`: the installation was cut off. `unreachable`: it runs, but does not answer. */
  status: 'running' | 'stopped' | 'incomplete' | 'unreachable' | 'failed'
}

/** The Racks of this machine as they are now: what runs is asked, not believed. */
export function listInstalled(context: Context): Promise<InstalledRack[]> {
  const { folder } = context
  return Promise.all(
    installedNames(folder).map(async (name): Promise<InstalledRack> => {
      let record: InstallRecord | undefined
      try {
        record = readRecord(folder, name)
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        return { name, host: undefined, status: 'failed' }
      }
      if (!record?.installed) return { name, host: record?.host, status: 'incomplete' }
      const { host } = record
      if (findProcess(installedFolder(folder, name)) === undefined) {
        return { name, host, status: 'stopped' }
      }
      return { name, host, status: (await answers(context, record)) ? 'running' : 'unreachable' }
    }),
  )
}

async function answers(context: Context, record: InstallRecord): Promise<boolean> {
  const key = readKeys(context.folder).get(record.host)
  // Nobody can ask it without its key; its process is there.
  if (key === undefined) return true
  const { host, fingerprint: pin } = record
  try {
    const target = { host: parseHost(host), key, keySource: 'file', pin } as const
    await (await connectTo(context, target)).request('GET', '/auth')
    return true
  } catch {
    return false
  }
}
