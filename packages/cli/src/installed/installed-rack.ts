import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type ConfigFolder, unwritable } from '../config-folder/config-folder.ts'
import { isClaim, withLock } from '../config-folder/lock.ts'
import { flushFolder, writeDurably } from '../config-folder/write-durably.ts'
import { codeOf } from '../error-code.ts'
import { Failure, UsageError } from '../failures.ts'

// A Rack on this machine is a folder in ~/.convox/installed, named as the Rack. Beside the Rack's
// own data it holds what this command line knows about it.

export interface InstallRecord {
  /** The Rack's address, under which `auth` has its key: `localhost:PORT`. */
  host: string
  /** Of its certificate, as the Rack itself told when it started. */
  fingerprint?: string
  /** Whether the installation came to its end. */
  installed: boolean
  /** It ran when its key began to be reset, and is to run again afterwards. */
  resetting?: true
}

/** What the Rack itself accepts as its name, which is a folder's name and a part of `org/name`. */
const NAME = /^[a-z][a-z0-9-]{0,25}$/
const RECORD = 'record'

/** How an installed Rack is called among others; official CLIs call theirs the same. */
export function localName(name: string): string {
  return `local/${name}`
}

/** Takes `dev2` and `local/dev2`. */
export function parseInstalledName(typed: string): string {
  const name = typed.startsWith('local/') ? typed.slice('local/'.length) : typed
  if (NAME.test(name)) return name
  const shown = typed.length > 60 ? `${typed.slice(0, 60)}…` : typed
  throw new UsageError(
    `"${shown}" is not a name for a Rack on this machine`,
    'take 1 to 26 of a-z, 0-9 and -, beginning with a letter',
  )
}

export function installedFolder(folder: ConfigFolder, name: string): string {
  return join(folder.path, 'installed', name)
}

/** Every Rack of this machine, finished or not. */
export function installedNames(folder: ConfigFolder): string[] {
  const root = join(folder.path, 'installed')
  try {
    const entries = readdirSync(root, { withFileTypes: true })
    return entries
      .filter((entry) => entry.isDirectory() && NAME.test(entry.name))
      .map(({ name }) => name)
      .sort()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return []
    throw new Failure(`cannot read ${root}`, `look at it: ls -ld ${root}`, error)
  }
}

/** Whether there is anything of it: a command that was killed at its very beginning leaves its lock. */
export function isAnythingLeft(folder: ConfigFolder, name: string): boolean {
  const lock = join(folder.path, 'installed', lockOf(name))
  return (
    installedNames(folder).includes(name) ||
    lstatSync(lock, { throwIfNoEntry: false }) !== undefined
  )
}

/** The Rack of this machine that is reached at a host. */
export function findInstalledAt(folder: ConfigFolder, host: string): string | undefined {
  return installedNames(folder).find((name) => peekRecord(folder, name)?.host === host)
}

/** As far as it can be read: one damaged Rack must not be in the way of commands about others. */
export function peekRecord(folder: ConfigFolder, name: string): InstallRecord | undefined {
  try {
    return readRecord(folder, name)
  } catch (error) {
    if (error instanceof Failure) return undefined
    throw error
  }
}

/** Undefined when there is nothing, or only what an installation began with. */
export function readRecord(folder: ConfigFolder, name: string): InstallRecord | undefined {
  const path = join(installedFolder(folder, name), RECORD)
  let text: string
  try {
    if (statSync(path).size > 4096) throw damaged(path, name)
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return undefined
    if (error instanceof Failure) throw error
    throw new Failure(`cannot read ${path}`, `look at it: ls -l ${path}`, error)
  }
  const record = parseRecord(text)
  if (record === undefined) throw damaged(path, name)
  return record
}

export function writeRecord(folder: ConfigFolder, name: string, record: InstallRecord): void {
  const path = installedFolder(folder, name)
  mkdirSync(path, { recursive: true, mode: 0o700 })
  flushFolder(join(folder.path, 'installed'))
  writeDurably(join(path, RECORD), `${JSON.stringify(record, null, 2)}\n`)
}

/** The record goes last: as long as anything is there, a second try knows what it belongs to. */
export function removeInstalled(folder: ConfigFolder, name: string): void {
  removeData(folder, name)
  rmSync(installedFolder(folder, name), { recursive: true, force: true })
  const root = join(folder.path, 'installed')
  for (const entry of readdirSync(root)) {
    if (isClaim(entry, lockOf(name))) rmSync(join(root, entry), { force: true })
  }
  flushFolder(root)
}

/** Everything but the record. */
export function removeData(folder: ConfigFolder, name: string): void {
  const path = installedFolder(folder, name)
  try {
    for (const entry of readdirSync(path)) {
      if (entry !== RECORD) rmSync(join(path, entry), { recursive: true, force: true })
    }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}

/** One command at a time changes an installed Rack; a second one is told so at once. */
export async function exclusively<T>(
  folder: ConfigFolder,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  // Makes the configuration folder as it must be, should this be the first command ever.
  await folder.update(() => {
    mkdirSync(join(folder.path, 'installed'), { recursive: true, mode: 0o700 })
  })
  const root = join(folder.path, 'installed')
  const told = (error: unknown): never => {
    // Only what the file system says has these: a full disk, a folder of somebody else.
    const ofSystem = error instanceof Error && 'errno' in error && 'syscall' in error
    throw ofSystem ? unwritable(installedFolder(folder, name), error) : error
  }
  return withLock(join(root, lockOf(name)), () => work().catch(told), {
    waitMs: 0,
    held: (holder) =>
      new Failure(
        `another convox (${holder}) is at work on ${localName(name)}`,
        'wait until it has ended, then see: convox racks',
      ),
  })
}

export function notInstalled(name: string): Failure {
  return new Failure(`there is no Rack ${localName(name)}`, 'see which there are: convox racks')
}

/** A dot, which no name has, keeps it apart from the Racks' folders. */
function lockOf(name: string): string {
  return `${name}.lock`
}

function parseRecord(text: string): InstallRecord | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const fields = value as Partial<Record<string, unknown>>
  const { host, fingerprint, installed } = fields
  const resetting = fields.resetting === true ? ({ resetting: true } as const) : {}
  if (typeof host !== 'string' || !/^localhost:\d{1,5}$/.test(host)) return undefined
  if (typeof installed !== 'boolean') return undefined
  if (fingerprint === undefined) return { host, installed, ...resetting }
  if (typeof fingerprint !== 'string' || !/^[0-9a-f]{64}$/.test(fingerprint)) return undefined
  return { host, fingerprint, installed, ...resetting }
}

function damaged(path: string, name: string): Failure {
  return new Failure(
    `${path} is damaged; it was left as it is`,
    `remove the Rack with all it holds: convox uninstall ${name}`,
  )
}
