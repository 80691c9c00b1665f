import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { hashApiKey, mintApiKey } from '@keyrack/secrets/api-key'
import type { Secret } from '@keyrack/secrets/secret'
import { readHostMap } from '../config-folder/host-map.ts'
import { forgetHost, readKeys, saveKey, saveLogin } from '../config-folder/login-state.ts'
import { connectTo } from '../connect.ts'
import type { Context } from '../context.ts'
import { Failure } from '../failures.ts'
import { parseHost } from '../host.ts'
import { rackOverride } from '../target.ts'
import { proveKey } from '../who-am-i.ts'
import {
  exclusively,
  installedFolder,
  installedNames,
  localName,
  peekRecord,
  readRecord,
  removeData,
  writeRecord,
} from './installed-rack.ts'
import { requireProgram, startRack, stopProcess } from './rack-process.ts'

/**
 * Makes a Rack on this machine. Whatever ends this, each step leaves what the same command finishes
 * later: the record says which host the key belongs to, the key is stored before a Rack exists that
 * wants it, the Rack ends with this process until everything about it is stored.
 */
export async function installRack(context: Context, name: string): Promise<void> {
  requireProgram()
  const { folder, terminal } = context
  const shown = localName(name)
  await exclusively(folder, name, async () => {
    if (readRecord(folder, name)?.installed) {
      throw new Failure(
        `there is a Rack ${shown} already`,
        `start it: convox rack start ${name}, remove it: convox uninstall ${name}, or take another name`,
      )
    }
    const { host, key } = await terminal.progress(`Saving the key of ${shown}`, () =>
      prepare(context, name),
    )
    const { rack, ready } = await terminal.progress(`Starting ${shown}`, () =>
      startRack(installedFolder(folder, name), {
        ...context.environment.forPrograms,
        RACK_NAME: name,
        RACK_PORT: portOf(host),
        RACK_KEY_HASH: hashApiKey(key),
      }),
    )
    const { fingerprint } = ready
    const target = { host: parseHost(host), key, keySource: 'file', pin: fingerprint } as const
    await terminal.progress('Checking its key', async () =>
      proveKey(await connectTo(context, target)),
    )

    await saveLogin(folder, { host, key, pin: fingerprint, rack: host })
    writeRecord(folder, name, { host, fingerprint, installed: false })
    await rack.letGo()
    writeRecord(folder, name, { host, fingerprint, installed: true })
    terminal.print(`Installed ${shown} at ${host}\nLogged in to ${host}`)
  })
  warnOfOverride(context, name)
}

/** Gives the host and key of an installation that was begun, or begins one. */
async function prepare({ folder }: Context, name: string): Promise<{ host: string; key: Secret }> {
  // What a killed command started is about to end, or waits for a word that will never come.
  await stopProcess(installedFolder(folder, name))
  const begun = readRecord(folder, name)
  if (begun !== undefined) {
    const key = readKeys(folder).get(begun.host)
    if (key !== undefined && (await isFree(Number(portOf(begun.host))))) {
      return { host: begun.host, key }
    }
    // Nobody has ever used it, so nothing is lost.
    await forgetHost(folder, begun.host)
  }
  removeData(folder, name)
  const host = await freeHost({ folder })
  writeRecord(folder, name, { host, installed: false })
  const key = mintApiKey('rack')
  await saveKey(folder, host, key)
  return { host, key }
}

/**
 * Below what Linux, macOS and Windows give to connections and to whoever asks for any port: those
 * would be somebody else's while the Rack is stopped.
 */
const LASTING_PORTS = { from: 20_000, to: 32_768 } as const

/** An address on this machine that nobody listens at and nothing stored here is about. */
async function freeHost({ folder }: Pick<Context, 'folder'>): Promise<string> {
  const taken = new Set([
    ...readKeys(folder).keys(),
    ...readHostMap(folder, 'fingerprints').keys(),
    ...installedNames(folder).map((other) => peekRecord(folder, other)?.host),
  ])
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(LASTING_PORTS.from, LASTING_PORTS.to)
    if (taken.has(`localhost:${port}`) || !(await isFree(port))) continue
    return `localhost:${port}`
  }
  throw new Failure('there is no free port on this machine', 'close some programs, then try again')
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}

export function portOf(host: string): string {
  return host.slice(host.lastIndexOf(':') + 1)
}

function warnOfOverride(context: Context, name: string): void {
  const { rackUrl, host } = context.environment
  const source =
    rackUrl !== undefined ? 'RACK_URL' : host !== undefined ? 'CONVOX_HOST' : rackOverride(context)
  if (source === undefined) return
  context.terminal.warn(`${source} sends commands elsewhere; name this one: -r ${localName(name)}`)
}
