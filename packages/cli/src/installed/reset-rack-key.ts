import { hashApiKey, mintApiKey } from '@keyrack/secrets/api-key'
import { saveKey } from '../config-folder/login-state.ts'
import { connectTo } from '../connect.ts'
import type { Context } from '../context.ts'
import { Failure } from '../failures.ts'
import { parseHost } from '../host.ts'
import { proveKey } from '../who-am-i.ts'
import {
  exclusively,
  installedFolder,
  localName,
  notInstalled,
  readRecord,
  writeRecord,
} from './installed-rack.ts'
import { findProcess, requireProgram, runOnStopped, stopProcess } from './rack-process.ts'
import { startInstalled } from './start-installed.ts'

/**
 * Gives an installed Rack a new key. The key is stored here before the Rack is told its hash, so
 * whatever ends this command, the key it has is the one stored here or the one it had before; the
 * same command, which needs neither, ends what was begun.
 */
export async function resetRackKey(context: Context, name: string): Promise<void> {
  requireProgram()
  const { folder, terminal, environment } = context
  const shown = localName(name)
  await exclusively(folder, name, async () => {
    const record = readRecord(folder, name)
    if (record === undefined) throw notInstalled(name)
    if (!record.installed) {
      throw new Failure(
        `the installation of ${shown} was cut off`,
        `finish it: convox install --name ${name}`,
      )
    }
    const path = installedFolder(folder, name)
    const runs = findProcess(path)?.state === 'running' || record.resetting === true
    // Also for the next try, which finds the Rack stopped.
    if (runs) writeRecord(folder, name, { ...record, resetting: true })
    const key = mintApiKey('rack')
    await terminal.progress(`Saving the new key of ${shown}`, () =>
      saveKey(folder, record.host, key),
    )
    try {
      await terminal.progress(`Stopping ${shown}`, () => stopProcess(path))
      await terminal.progress('Putting the new key in force', () =>
        runOnStopped(path, 'reset-key', {
          ...environment.forPrograms,
          RACK_NAME: name,
          RACK_KEY_HASH: hashApiKey(key),
        }),
      )
    } catch (error) {
      terminal.warn(
        `the new key is stored here, but ${shown} may still have its old one; run this again`,
      )
      throw error
    }
    if (runs) {
      await terminal.progress(`Starting ${shown}`, () =>
        startInstalled(context, name, record, async (pin) => {
          const host = parseHost(record.host)
          await proveKey(await connectTo(context, { host, key, keySource: 'file', pin }))
        }),
      )
    }
    terminal.print(
      `${shown} has a new key, stored in ${folder.pathOf('auth')}; every other key is refused`,
    )
  })
}
