import { z } from 'zod'

/**
 * What a Console and our own Racks say to each other about a Rack's keys and access tokens (the
 * routes `key.*` and `system.token.*`). Official Racks know none of it, so nothing is lenient here:
 * an answer of another shape is no answer. Times are milliseconds since 1970.
 */

const time = z.number().int().nonnegative()
const generation = z.number().int().positive()
const rollId = z.string().regex(/^[A-Za-z0-9_-]{8,64}$/)

/** Which of the live keys: the one in force, its successor, or its predecessor in its grace. */
export const LiveKeyState = z.enum(['current', 'staged', 'ending'])
export type LiveKeyState = z.infer<typeof LiveKeyState>

/** `GET /system/key`. Never holds a key or a hash of one; `id` is the Rack's own name for a key. */
export const KeyStatus = z.object({
  /** Grows by one with each key that comes into force. */
  generation,
  current: z.object({ id: z.string(), since: time }),
  staged: z.object({ roll: rollId, id: z.string(), since: time }).nullable(),
  /** `roll` is the roll that ends it. */
  ending: z.object({ roll: rollId, id: z.string(), not_after: time }).nullable(),
  authenticated_by: LiveKeyState,
  /** Who uses which key, newest first. `client` is the User-Agent, cut and printable. */
  uses: z.array(
    z.object({
      key: LiveKeyState,
      address: z.string(),
      client: z.string(),
      last_at: time,
      count: z.number().int().positive(),
    }),
  ),
  last_roll: z
    .object({ roll: rollId, state: z.enum(['retired', 'unstaged']), at: time })
    .nullable(),
})
export type KeyStatus = z.infer<typeof KeyStatus>

/** `POST /system/key/stage`. */
export const StagedKey = z.object({ roll: rollId, generation, state: z.literal('staged') })
export type StagedKey = z.infer<typeof StagedKey>

/** `POST /system/key/unstage`. */
export const UnstagedKey = z.object({ roll: rollId, state: z.literal('unstaged') })
export type UnstagedKey = z.infer<typeof UnstagedKey>

/** `POST /system/key/retire`; `not_after` is null once the old key is refused. */
export const RetiredKey = z.object({
  roll: rollId,
  generation,
  state: z.enum(['retired', 'ending']),
  not_after: time.nullable(),
})
export type RetiredKey = z.infer<typeof RetiredKey>

/** `POST /system/key/register`. */
export const RegisteredConsole = z.object({ console: z.string(), state: z.literal('registered') })
export type RegisteredConsole = z.infer<typeof RegisteredConsole>

/** `POST /system/key/challenge`: a text to sign once, within a minute, and the Rack's id. */
export const KeyChallenge = z.object({ nonce: z.string(), rack: z.string() })
export type KeyChallenge = z.infer<typeof KeyChallenge>

/** `POST /system/key/recover`: the copy that came with the current key, sealed by the Console. */
export const RecoveredKey = z.object({ copy: z.string(), generation })
export type RecoveredKey = z.infer<typeof RecoveredKey>

/** What a Console signs to get the copy back: ASCII, no field can hold a line feed. */
export function recoveryText(rackId: string, consoleId: string, nonce: string): string {
  return `keyrack-recover-v1\n${rackId}\n${consoleId}\n${nonce}`
}

/** `POST /system/jwt/token`. */
export const AccessToken = z.object({ token: z.string() })

/** `GET /system/jwt/tokens`: the tokens that are accepted now, newest first. */
export const AccessTokens = z.array(
  z.object({
    id: z.string(),
    role: z.enum(['read', 'write']),
    created_at: time,
    expires_at: time,
  }),
)
export type AccessTokens = z.infer<typeof AccessTokens>

/** `POST /api/racks/{organization}/{rack}/access` of a Console. */
export const ConsoleAccessToken = AccessToken.extend({
  id: z.string(),
  /** Where the Rack itself is reached, and the certificate it shows there, where one is pinned. */
  host: z.string(),
  fingerprint: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
})

/** `GET` of the same; `problem` says why the Rack itself could not be asked. */
export const ConsoleAccessTokens = z.object({
  tokens: z.array(
    AccessTokens.element.extend({
      minter: z.string().nullable(),
      ending_since: time.nullable(),
    }),
  ),
  problem: z.string().nullable(),
})
