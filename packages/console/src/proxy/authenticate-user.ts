/**
 * Step 1, CRITICAL: whose key is this. Also used for the Console's own protocol paths and API.
 */
import { KeyrackError, parseBasic } from '@keyrack/protocol'
import { hashApiKey, inspectApiKey, sha256Hex } from '@keyrack/secrets'
import type { Actor, Directory } from '../directory.ts'

export interface UserAuthentication {
  directory: Pick<Directory, 'accountByApiKeyHash' | 'deployKeyByHash'>
  /** Counts wrong keys; the answer is how many seconds to wait, or undefined for a plain 401. */
  throttle: { failed(address: string, presentedHash: string): number | undefined }
  /** Milliseconds since 1970: deploy keys expire. */
  now: () => number
  /** Told the hash of each key that was accepted; it must neither wait nor throw. */
  used?: (hash: string) => void
}

/**
 * The account or deploy key whose key an `Authorization` header carries. A valid key is never delayed; a
 * wrong one is a 401, or a 429 from an address that has tried many different ones.
 */
export function authenticateUser(
  { directory, throttle, now, used }: UserAuthentication,
  header: string | undefined,
  address: string,
): Actor {
  const credential = parseBasic(header)
  if (credential === undefined) throw refused('send your Console API key')
  // A pasted key has a space or a line break at its end more often than not.
  const keys = credential.candidates.map((candidate) => candidate.reveal().trim())
  for (const key of keys) {
    const actor = findActor(directory, key, now())
    if (actor === undefined) continue
    used?.(hashApiKey(key))
    return actor
  }
  const [presented = ''] = keys
  const waitSeconds = throttle.failed(address, sha256Hex(presented))
  if (waitSeconds === undefined) throw refused(explain(presented))
  throw new KeyrackError('throttled', 'too many different keys were tried from this address', {
    hint: `wait ${waitSeconds} s`,
    retryAfterSeconds: waitSeconds,
  })
}

function findActor(
  directory: UserAuthentication['directory'],
  key: string,
  now: number,
): Actor | undefined {
  const form = inspectApiKey(key)
  // A key of another kind or with a wrong checksum is refused before any lookup.
  if ('problem' in form || form.kind === 'rack') return undefined
  // The lookup is by SHA-256 of 196 random bits: its timing says nothing about another key.
  const hash = hashApiKey(key)
  if (form.kind === 'user') return directory.accountByApiKeyHash(hash)
  const found = directory.deployKeyByHash(hash)
  return found !== undefined && now < (found.expiresAt ?? Infinity) ? found : undefined
}

function explain(presented: string): string {
  const form = inspectApiKey(presented)
  if (!('problem' in form)) return EXPLANATIONS[form.kind]
  return form.problem === 'checksum'
    ? 'its checksum is wrong, so it was cut or mistyped; copy it again'
    : 'a Console API key begins with cvxu_'
}

const EXPLANATIONS = {
  user: 'it may have been regenerated; run: convox login',
  deploy: 'this deploy key was revoked or has expired; make one with: convox deploy-keys create',
  rack: 'this is a key of another kind; a Console takes the API key of an account',
} as const

function refused(hint: string): KeyrackError {
  return new KeyrackError('unauthenticated', 'invalid authentication', { hint })
}
