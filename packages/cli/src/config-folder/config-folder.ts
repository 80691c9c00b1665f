import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { codeOf } from '../error-code.ts'
import { Failure } from '../failures.ts'
import { isClaim, withLock } from './lock.ts'
import { flushFolder, TEMPORARY_NAME, writeDurably } from './write-durably.ts'

export type ConfigFile = 'auth' | 'host' | 'rack' | 'fingerprints' | 'current' | 'audit'

/** Changes to the folder, all made by one process at a time. */
export interface ConfigWriter {
  write(file: ConfigFile, text: string): void
  remove(file: ConfigFile): void
}

const LOCK = 'lock'
const FILE_BYTES_MAX = 1024 * 1024

/**
 * `~/.convox`: 0700, its files 0600. Looser modes, as older CLIs left them, are repaired with a
 * notice. Reading creates nothing.
 */
export class ConfigFolder {
  readonly path: string
  readonly #notify: (text: string) => void
  #checked = false

  constructor(path: string, notify: (text: string) => void) {
    this.path = path
    this.#notify = notify
  }

  pathOf(file: ConfigFile): string {
    return join(this.path, file)
  }

  /** The text of a file, or undefined when there is none. */
  read(file: ConfigFile): string | undefined {
    if (!this.#exists()) return undefined
    const path = this.pathOf(file)
    try {
      const stat = statSync(path, { throwIfNoEntry: false })
      if (stat === undefined) return undefined
      if (!stat.isFile() || stat.size > FILE_BYTES_MAX) {
        throw new Failure(
          `${path} is not a file that convox wrote`,
          `move it away: mv ${path} ${path}.old`,
        )
      }
      this.#tighten(path, 0o600)
      return readFileSync(path, 'utf8').replace(/^\uFEFF/, '')
    } catch (error) {
      throw error instanceof Failure ? error : unreadable(path, error)
    }
  }

  /** The one way to change anything: creates the folder, takes the lock, clears what a crash left. */
  async update<T>(work: (writer: ConfigWriter) => T): Promise<T> {
    if (!this.#exists()) this.#create()
    try {
      return await withLock(join(this.path, LOCK), () => {
        this.#clear()
        return work({
          write: (file, text) => {
            try {
              writeDurably(this.pathOf(file), text)
            } catch (error) {
              throw unwritable(this.pathOf(file), error)
            }
          },
          remove: (file) => {
            rmSync(this.pathOf(file), { force: true })
            flushFolder(this.path)
          },
        })
      })
    } catch (error) {
      throw codeOf(error) === undefined ? error : unwritable(this.path, error)
    }
  }

  #exists(): boolean {
    let stat: ReturnType<typeof statSync> | undefined
    try {
      stat = statSync(this.path, { throwIfNoEntry: false })
    } catch (error) {
      throw unreadable(this.path, error)
    }
    if (stat === undefined) return false
    if (!stat.isDirectory()) {
      throw new Failure(
        `${this.path} is a file, as the first Convox CLIs wrote it, but must be a folder`,
        `move it away: mv ${this.path} ${this.path}.old, then log in again: convox login HOST`,
      )
    }
    if (!this.#checked) this.#tighten(this.path, 0o700)
    this.#checked = true
    return true
  }

  #create(): void {
    try {
      mkdirSync(this.path, { recursive: true, mode: 0o700 })
    } catch (error) {
      throw unwritable(this.path, error)
    }
  }

  /** Takes the rights of others away, where the file is ours and the place is not shared by all. */
  #tighten(path: string, mode: number): void {
    const stat = statSync(path)
    const shared = (stat.mode & 0o1000) !== 0 || path === homedir() || path === '/'
    if ((stat.mode & 0o777 & ~mode) === 0 || shared || stat.uid !== process.getuid?.()) return
    const before = (stat.mode & 0o777).toString(8).padStart(4, '0')
    try {
      chmodSync(path, stat.mode & mode)
      this.#notify(`${path} was open to other users (mode ${before}); it is yours alone now`)
    } catch {
      this.#notify(
        `WARNING: ${path} is open to other users (mode ${before}); run: chmod go= ${path}`,
      )
    }
  }

  /** Only the holder of the lock writes, so every temporary file here belongs to a dead process. */
  #clear(): void {
    for (const name of readdirSync(this.path)) {
      if (TEMPORARY_NAME.test(name) || (isClaim(name, LOCK) && isLink(join(this.path, name)))) {
        rmSync(join(this.path, name), { force: true })
      }
    }
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
}

function unreadable(path: string, error: unknown): Failure {
  const why = codeOf(error) === 'EACCES' ? 'you may not read it' : `it fails with ${codeOf(error)}`
  return new Failure(`cannot read ${path}: ${why}`, `look at it: ls -ld ${path}`, error)
}

/** What the system said about writing, as a person would say it. */
export function unwritable(path: string, error: unknown): Failure {
  const code = codeOf(error) ?? ''
  if (['EACCES', 'EPERM', 'EROFS'].includes(code)) {
    const hint = `make it writable, or use another folder: export CONVOX_CONFIG=FOLDER`
    return new Failure(`cannot write ${path}: it is read-only for you`, hint, error)
  }
  if (['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code)) {
    return new Failure(
      `cannot write ${path}: the disk is full`,
      'free some space and run it again',
      error,
    )
  }
  return new Failure(
    `cannot write ${path}: it fails with ${code}`,
    `look at it: ls -ld ${path}`,
    error,
  )
}
