import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** What a killed write leaves behind. */
export const TEMPORARY_NAME = /^\.[a-z]+\.[0-9a-f]{12}\.tmp$/

/**
 * Replaces a file so that at every moment, power cut included, either the old or the new text is
 * there in full: a temporary file beside it, flushed, renamed over it, the folder flushed. A link
 * keeps being a link: people keep such files under version control elsewhere.
 */
export function writeDurably(path: string, text: string): void {
  const target = isLink(path) ? realpathSync(path) : path
  const name = `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`
  const temporary = join(dirname(target), name)
  try {
    const file = openSync(temporary, 'wx', 0o600)
    try {
      const bytes = Buffer.from(text, 'utf8')
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, target)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
  flushFolder(dirname(target))
}

/** Makes the names in a folder durable. */
export function flushFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
}
