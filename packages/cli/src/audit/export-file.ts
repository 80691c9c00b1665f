import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { flushFolder } from '../config-folder/write-durably.ts'
import { codeOf } from '../error-code.ts'
import { Failure } from '../failures.ts'

/** Where an export goes. */
export interface ExportFile {
  write(text: string): void
  finish(): void
  abandon(): void
}

/**
 * Whole or not at all: an export that was cut off must not look like a cut log. What is no file, as
 * a pipe or a device, is written to as it is and never replaced; a link keeps being a link.
 */
export function openExportFile(path: string): ExportFile {
  return telling(path, () => (isReplaceable(path) ? replacing(path) : direct(path)))
}

function direct(path: string): ExportFile {
  const { descriptor, close } = open(path, 'w')
  return {
    write: (text) => telling(path, () => writeWhole(descriptor, text)),
    finish: () => telling(path, close),
    abandon: close,
  }
}

function replacing(path: string): ExportFile {
  const target = isLink(path) ? realpathSync(path) : path
  const name = `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`
  const temporary = join(dirname(target), name)
  const { descriptor, close } = open(temporary, 'wx')
  return {
    write: (text) => telling(path, () => writeWhole(descriptor, text)),
    finish: () =>
      telling(path, () => {
        fsyncSync(descriptor)
        close()
        renameSync(temporary, target)
        flushFolder(dirname(target))
      }),
    abandon() {
      close()
      rmSync(temporary, { force: true })
    },
  }
}

/** What is closed is not closed again: its number may be another file's by then. */
function open(path: string, flags: 'w' | 'wx'): { descriptor: number; close(): void } {
  const descriptor = openSync(path, flags, 0o600)
  let closed = false
  return {
    descriptor,
    close() {
      if (!closed) closeSync(descriptor)
      closed = true
    },
  }
}

/** One call may take only a part, on a disk that is nearly full or into a pipe. */
function writeWhole(descriptor: number, text: string): void {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at)
}

function isReplaceable(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? true
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
}

function telling<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const why = WHY[codeOf(error) ?? ''] ?? (error instanceof Error ? error.message : String(error))
    throw new Failure(`cannot write ${path}: ${why}`, 'nothing was kept; name another file', error)
  }
}

const WHY: Readonly<Record<string, string>> = {
  EACCES: 'you may not write there',
  EISDIR: 'it is a folder',
  ENOENT: 'its folder is not there',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk is full',
  EFBIG: 'the disk is full',
  EROFS: 'it is read-only',
}
