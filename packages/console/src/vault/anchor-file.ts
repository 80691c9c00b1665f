import { existsSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { KeyrackError } from '@keyrack/protocol'
import { sha256Hex } from '@keyrack/secrets'
import { privateFolder, writePrivateFile } from '@keyrack/server'

/** The last state of the ledger that this Console has seen. */
export interface Anchor {
  lineage: string
  number: number
}

const FORMAT = 'kra1'

/** Outside of the database, so that an older database is noticed. Undefined where there is none yet. */
export function readAnchor(file: string): Anchor | undefined {
  if (!existsSync(file)) return undefined
  const line = readFileSync(file, 'utf8').trim()
  const [, lineage, number] = /^kra1\.([0-9a-f]{24})\.(\d{1,15})\.[0-9a-f]{16}$/.exec(line) ?? []
  if (lineage !== undefined && number !== undefined) {
    const anchor = { lineage, number: Number(number) }
    if (text(anchor) === line) return anchor
  }
  throw new KeyrackError('not-ready', `${file} is damaged: it must say how new the database is`, {
    hint: 'if you are sure that the database is the newest one, run with the server stopped: keyrack-console keys verify --accept-rollback',
  })
}

/** Survives a power cut once it returns. */
export function writeAnchor(file: string, anchor: Anchor): void {
  privateFolder(dirname(file))
  writePrivateFile(file, `${text(anchor)}\n`)
}

/**
 * As `writeAnchor`, but never to an older number: Consoles of one machine may share the file. (Two
 * that write at the same moment can leave the smaller of their numbers, until the next write.)
 */
export function raiseAnchor(file: string, anchor: Anchor): void {
  const known = readAnchor(file)
  if (known?.lineage === anchor.lineage && known.number >= anchor.number) return
  writeAnchor(file, anchor)
}

function text({ lineage, number }: Anchor): string {
  const body = `${FORMAT}.${lineage}.${number}`
  return `${body}.${sha256Hex(body).slice(0, 16)}`
}
