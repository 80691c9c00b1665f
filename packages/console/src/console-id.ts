import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { KeyrackError } from '@keyrack/protocol'
import { writePrivateFile } from '@keyrack/server'
import { newId } from './new-id.ts'

/** This Console's own id among those on one database, made once and kept in its data folder. */
export function consoleId(folder: string): string {
  const file = join(folder, 'id')
  if (!existsSync(file)) writePrivateFile(file, `${newId()}\n`)
  const id = readFileSync(file, 'utf8').trim()
  if (/^[0-9a-f]{24}$/.test(id)) return `${id}-`
  throw new KeyrackError('not-ready', `${file} does not hold the id of a Console`, {
    hint: 'remove that file; the next start makes a new id',
  })
}
