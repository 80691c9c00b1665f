import { randomBytes } from 'node:crypto'

const ACCEPTED = /^[A-Za-z0-9._-]{8,64}$/

/**
 * The id that ties an answer, its log lines and its audit rows together. A caller's id is kept when
 * it is safe to print anywhere; otherwise a new one is made.
 */
export function requestId(
  header: string | undefined,
  random: (size: number) => Uint8Array = randomBytes,
): string {
  if (header !== undefined && ACCEPTED.test(header)) return header
  return Buffer.from(random(6)).toString('hex')
}
