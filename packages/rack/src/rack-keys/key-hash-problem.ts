import { equalSecrets, sha256Hex } from '@keyrack/secrets'

const HASH = /^[0-9a-f]{64}$/

/** Hashes of what is no key at all: nothing, and the mask that official Racks show (`****`). */
const NEVER = ['', '*'.repeat(4), '*'.repeat(8)].map((text) => sha256Hex(text))

/** What a text that is no hash of a Rack API key should have been; undefined when it is one. */
export function keyHashProblem(text: string): string | undefined {
  if (!HASH.test(text)) {
    return 'the SHA-256 of the Rack API key, 64 characters of 0-9 and a-f'
  }
  if (NEVER.some((hash) => equalSecrets(hash, text))) {
    return 'the hash of a real key; this one is of an empty or masked key'
  }
  return undefined
}
