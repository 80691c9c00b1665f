import { randomBytes } from 'node:crypto'

/** An id for a row: 96 random bits, hex. Ids are not secrets. */
export function newId(random: (size: number) => Uint8Array = randomBytes): string {
  return Buffer.from(random(12)).toString('hex')
}
