import { savePin } from '../config-folder/login-state.ts'
import type { Context } from '../context.ts'
import { portOf } from './install-rack.ts'
import { type InstallRecord, installedFolder, writeRecord } from './installed-rack.ts'
import { startRack, stopProcess } from './rack-process.ts'

/**
 * Starts an installed Rack, which then outlives this process. `check` is asked before: when it
 * fails, the Rack ends again.
 */
export async function startInstalled(
  { folder, environment }: Context,
  name: string,
  record: InstallRecord,
  check: (fingerprint: string) => Promise<unknown> = async () => {},
): Promise<void> {
  const path = installedFolder(folder, name)
  // A start that was cut off is about to end.
  await stopProcess(path)
  const { rack, ready } = await startRack(path, {
    ...environment.forPrograms,
    RACK_NAME: name,
    RACK_PORT: portOf(record.host),
  })
  const { fingerprint } = ready
  await savePin(folder, record.host, fingerprint)
  await check(fingerprint)
  const { resetting: _, ...settled } = record
  writeRecord(folder, name, { ...settled, fingerprint })
  await rack.letGo()
}
