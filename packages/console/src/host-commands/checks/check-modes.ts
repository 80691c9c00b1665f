import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { KeyrackError } from '@keyrack/protocol'
import type { ConsoleConfig } from '../../config.ts'
import { consoleFolder } from '../running-console.ts'

const GROUP_AND_OTHERS = 0o077

/** Everything the server keeps is for its own user's eyes only. */
export function checkModes(config: Pick<ConsoleConfig, 'dataDir' | 'keyDir'>): string {
  const folder = consoleFolder(config)
  const paths = new Set([...within(folder), ...within(config.keyDir)])
  const user = process.getuid?.()
  const problems: string[] = []
  for (const path of paths) {
    const found = statSync(path, { throwIfNoEntry: false })
    // A database removes its own working files.
    if (found === undefined) continue
    const mode = found.isDirectory() ? '700' : '600'
    if (user !== undefined && found.uid !== user && user !== 0) {
      problems.push(
        `${path} belongs to another user; run this as that one, or: chown ${user} ${path}`,
      )
    } else if ((found.mode & GROUP_AND_OTHERS) !== 0) {
      problems.push(`${path} can be used by other users; run: chmod ${mode} ${path}`)
    }
  }
  if (problems.length > 0) throw new KeyrackError('conflict', problems.join('\n'))
  return `${paths.size} files and folders are this user's alone`
}

/** The folder and what is in it, and in the folders in it. */
function within(folder: string): string[] {
  try {
    return [
      folder,
      ...readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) =>
        join(folder, name),
      ),
    ]
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') {
      throw new KeyrackError('not-found', `there is no ${folder}`, {
        hint: 'put it back from where it was kept, or correct KEY_DIR',
        cause,
      })
    }
    throw new KeyrackError('not-ready', `${folder} cannot be read (${code ?? 'unknown'})`, {
      hint: 'run this as the user who runs the server',
      cause,
    })
  }
}
