import { Secret } from '@keyrack/secrets/secret'
import { Failure } from '../failures.ts'
import type { ConfigFile, ConfigFolder } from './config-folder.ts'
import { formatHostMap, readHostMap } from './host-map.ts'

/** Every stored key by host. */
export function readKeys(folder: ConfigFolder): Map<string, Secret> {
  const keys = new Map<string, Secret>()
  for (const [host, key] of readHostMap(folder, 'auth')) keys.set(host, Secret.of(key))
  return keys
}

/** The certificate a person accepted for a host. */
export function readPin(folder: ConfigFolder, host: string): string | undefined {
  const pin = readHostMap(folder, 'fingerprints').get(host)
  if (pin === undefined || /^[0-9a-f]{64}$/.test(pin)) return pin
  throw new Failure(
    `the fingerprint stored for ${host} in ${folder.pathOf('fingerprints')} is damaged`,
    `give it again: convox login ${host} --fingerprint HEX`,
  )
}

export function readActiveHost(folder: ConfigFolder): string | undefined {
  return readLine(folder, 'host')
}

/**
 * The Rack chosen for a host. The file `rack` belongs to the active host, and is what other CLIs
 * read and write; `current` remembers one Rack for each host.
 */
export function readChosenRack(folder: ConfigFolder, host: string): string | undefined {
  const ofActive = readActiveHost(folder) === host ? readLine(folder, 'rack') : undefined
  return ofActive ?? readHostMap(folder, 'current').get(host)
}

/**
 * Stores a login and makes its host the active one. `rack` goes away before the host changes, so
 * that a crash in between cannot leave the one host with the other's Rack.
 */
export async function saveLogin(
  folder: ConfigFolder,
  login: { host: string; key: Secret; pin: string | undefined; rack: string | undefined },
): Promise<void> {
  const { host, key, pin, rack } = login
  await folder.update((writer) => {
    const keys = readHostMap(folder, 'auth').set(host, key.reveal())
    const pins = readHostMap(folder, 'fingerprints')
    const current = readHostMap(folder, 'current')
    if (pin !== undefined && pins.get(host) !== pin) {
      writer.write('fingerprints', formatHostMap(pins.set(host, pin)))
    }
    writer.write('auth', formatHostMap(keys))
    if (rack !== undefined) current.set(host, rack)
    else current.delete(host)
    writer.write('current', formatHostMap(current))
    writer.remove('rack')
    writer.write('host', host)
    if (rack !== undefined) writer.write('rack', rack)
  })
}

/**
 * Removes a host's key, and the host from the active place. Its accepted certificate stays: the
 * next login must not be asked to trust another one. False when there was no key.
 */
export async function forgetLogin(folder: ConfigFolder, host: string): Promise<boolean> {
  if (!readHostMap(folder, 'auth').has(host)) return false
  return folder.update((writer) => {
    const keys = readHostMap(folder, 'auth')
    const current = readHostMap(folder, 'current')
    const known = keys.delete(host)
    if (known) writer.write('auth', formatHostMap(keys))
    if (current.delete(host)) writer.write('current', formatHostMap(current))
    if (readActiveHost(folder) === host) {
      writer.remove('rack')
      writer.remove('host')
    }
    return known
  })
}

/** Stores a key, and nothing else: the host does not become the active one. */
export async function saveKey(folder: ConfigFolder, host: string, key: Secret): Promise<void> {
  await folder.update((writer) => {
    const keys = readHostMap(folder, 'auth').set(host, key.reveal())
    writer.write('auth', formatHostMap(keys))
  })
}

/** Stores the certificate of a host whose owner told it. */
export async function savePin(folder: ConfigFolder, host: string, pin: string): Promise<void> {
  if (readPin(folder, host) === pin) return
  await folder.update((writer) => {
    const pins = readHostMap(folder, 'fingerprints').set(host, pin)
    writer.write('fingerprints', formatHostMap(pins))
  })
}

/** Removes all that is stored about a host that is no more, its certificate included. */
export async function forgetHost(folder: ConfigFolder, host: string): Promise<void> {
  await folder.update((writer) => {
    if (readActiveHost(folder) === host) {
      writer.remove('rack')
      writer.remove('host')
    }
    for (const file of ['current', 'fingerprints', 'auth'] as const) {
      const map = readHostMap(folder, file)
      if (map.delete(host)) writer.write(file, formatHostMap(map))
    }
  })
}

/** Makes a host that is logged in to the active one, with the Rack that commands go to there. */
export async function activateHost(
  folder: ConfigFolder,
  host: string,
  rack: string,
): Promise<void> {
  await folder.update((writer) => {
    const current = readHostMap(folder, 'current').set(host, rack)
    writer.write('current', formatHostMap(current))
    writer.remove('rack')
    writer.write('host', host)
    writer.write('rack', rack)
  })
}

export async function rememberRack(
  folder: ConfigFolder,
  host: string,
  rack: string,
): Promise<void> {
  await folder.update((writer) => {
    const current = readHostMap(folder, 'current').set(host, rack)
    writer.write('current', formatHostMap(current))
    if (readActiveHost(folder) === host) writer.write('rack', rack)
  })
}

function readLine(folder: ConfigFolder, file: ConfigFile): string | undefined {
  return folder.read(file)?.trim() || undefined
}
