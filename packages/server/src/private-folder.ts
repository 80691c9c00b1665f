import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { KeyrackError } from '@keyrack/protocol'

export type Notice = (text: string) => void

const GROUP_AND_OTHERS = 0o077
/** Who may do anything on this machine anyway. */
const SUPERUSER = 0

/** Makes a folder that only this user can enter, and makes an existing one so, with a notice. */
export function privateFolder(folder: string, notice: Notice = () => {}): void {
  try {
    const first = mkdirSync(folder, { recursive: true, mode: 0o700 })
    // A new folder survives a power cut only when the one that lists it is synced too.
    if (first !== undefined) {
      for (let made = folder; made.length >= first.length; made = dirname(made)) {
        syncFolder(dirname(made))
      }
    }
  } catch (error) {
    throw folderFailure(folder, error)
  }
  tightenMode(folder, 0o700, notice)
}

/**
 * Takes away what group and others may do with `path`; refuses to go on when it cannot, and when it
 * belongs to somebody else, who could put another file in the place of each.
 */
export function tightenMode(
  path: string,
  mode: 0o600 | 0o700,
  notice: Notice,
  user = process.getuid?.(),
): void {
  const stat = statSync(path)
  if (user !== undefined && stat.uid !== user && stat.uid !== SUPERUSER) {
    throw new KeyrackError('conflict', `${path} belongs to another user (uid ${stat.uid})`, {
      hint: `run this as that user, or run: chown -R ${user} ${path}`,
    })
  }
  const found = stat.mode & 0o777
  if ((found & GROUP_AND_OTHERS) === 0) return
  try {
    chmodSync(path, found & mode)
  } catch (cause) {
    throw new KeyrackError('conflict', `${path} can be used by other users of this machine`, {
      hint: `run: chmod ${mode.toString(8)} ${path}`,
      cause,
    })
  }
  notice(`${path} could be used by other users (mode ${found.toString(8)}); took that away`)
}

/** Makes the names in a folder (a new file, a rename) survive a power cut. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** What the system said about a folder or file, as a person would say it. */
export function folderFailure(path: string, error: unknown): KeyrackError {
  const code = (error as NodeJS.ErrnoException).code
  const reason: Record<string, [string, string]> = {
    EACCES: ['this user may not write there', 'give the user who runs the server that folder'],
    EPERM: ['this user may not write there', 'give the user who runs the server that folder'],
    EROFS: ['that file system is read-only', 'choose a folder on one that can be written'],
    ENOSPC: ['the disk is full', 'make space and start again'],
    EDQUOT: ['the disk quota is used up', 'make space and start again'],
    EFBIG: ['files may not grow that large here', 'raise the limit of the server (ulimit -f)'],
    ENOTDIR: ['a part of that path is not a folder', 'choose another folder'],
    EEXIST: ['there is something else under that name', 'choose another folder'],
  }
  const [what, hint] = reason[code ?? ''] ?? [`the system said ${code ?? 'no'}`, 'see the log']
  return new KeyrackError('not-ready', `cannot use ${path}: ${what}`, { hint, cause: error })
}
