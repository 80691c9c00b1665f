import { z } from 'zod'

/**
 * What travels as JSON, with the official names (protocol.md 2.1, 4, 5.1). Decoding is as lenient
 * as the Go clients, since official servers were only ever read by those: unknown keys are dropped,
 * the case of keys does not matter, null is the zero value.
 */

/** An object whose keys are found in any case; the exact spelling wins over others. */
function fields<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const names = new Map(Object.keys(shape).map((name) => [name.toLowerCase(), name]))
  return z.preprocess((value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    const found: Record<string, unknown> = {}
    for (const [key, item] of Object.entries(value)) {
      const name = names.get(key.toLowerCase())
      if (name !== undefined && (key === name || !(name in found))) found[name] = item
    }
    return found
  }, z.object(shape))
}

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '')
const integer = z
  .number()
  .int()
  .nullish()
  .transform((value) => value ?? 0)
const fraction = z
  .number()
  .nullish()
  .transform((value) => value ?? 0)
const texts = z
  .record(z.string(), text)
  .nullish()
  .transform((value) => value ?? {})

/** Gen1's `GET /apps/{app}/parameters`: those of a Rack under its own name. */
export const Parameters = texts

/** `GET /system`. */
export const System = fields({
  count: integer,
  domain: text,
  name: text,
  outputs: texts,
  parameters: texts,
  provider: text,
  'rack-domain': text,
  region: text,
  status: text,
  type: text,
  version: text,
})
export type System = z.infer<typeof System>

/** One entry of `GET /instances`; `started` is RFC 3339, `cpu` and `memory` fractions of 1. */
export const Instance = fields({
  agent: z
    .boolean()
    .nullish()
    .transform((value) => value ?? false),
  cpu: fraction,
  id: z.string(),
  memory: fraction,
  'private-ip': text,
  processes: integer,
  'public-ip': text,
  started: text,
  status: text,
})
export type Instance = z.infer<typeof Instance>
export const Instances = z
  .array(Instance)
  .nullish()
  .transform((value) => value ?? [])

/**
 * `GET /instances/keyroll`: the newest roll of the instances' SSH key. `state` is none, running,
 * unfinished (in force, but an instance was left behind; `detail` says which and why) or done; that
 * of an instance waiting, adding, removing or done. Older generations are those that may still open
 * an instance.
 */
export const KeyrollStatus = fields({
  id: text,
  state: text,
  mode: text,
  generation: integer,
  detail: text,
  'older-generations': z
    .array(integer)
    .nullish()
    .transform((value) => value ?? []),
  started: text,
  finished: text,
  instances: z
    .array(fields({ id: z.string(), state: text, problem: text }))
    .nullish()
    .transform((value) => value ?? []),
})
export type KeyrollStatus = z.infer<typeof KeyrollStatus>

/** `GET /instances/{id}/host-key`: fingerprints `SHA256:…`; no `recorded` before the first contact. */
export const HostKeyStatus = fields({ id: z.string(), recorded: text, shown: z.string() })
export type HostKeyStatus = z.infer<typeof HostKeyStatus>

/** `GET /instances/{id}/authorized-keys`: what opens it has to hold, for which account. */
export const AuthorizedKeys = fields({ id: z.string(), user: text, lines: z.array(z.string()) })
export type AuthorizedKeys = z.infer<typeof AuthorizedKeys>

/** One entry of `GET /system/processes`; `name` is the service. */
export const Process = fields({
  app: text,
  command: text,
  id: text,
  name: text,
  release: text,
  started: text,
  status: text,
})
export type Process = z.infer<typeof Process>
export const Processes = z
  .array(Process)
  .nullish()
  .transform((value) => value ?? [])

/** One entry of `GET /system/releases`: `id` is the version. */
export const Release = fields({ created: text, id: text })
export type Release = z.infer<typeof Release>
export const Releases = z
  .array(Release)
  .nullish()
  .transform((value) => value ?? [])

/** One entry of a Console's `GET /racks`. */
export const RackSummary = fields({
  name: z.string(),
  organization: fields({ id: text, name: text })
    .nullish()
    .transform((value) => value ?? { id: '', name: '' }),
  provider: text,
  status: text,
  version: text,
})
export type RackSummary = z.infer<typeof RackSummary>
export const RackSummaries = z
  .array(RackSummary)
  .nullish()
  .transform((value) => value ?? [])

/** What a Console has noticed about a Rack that was added or trusted; empty when nothing. */
export const RackWarning = fields({ warning: text })

/** `GET /auth` where the answer is JSON; official Racks answer a text. */
export const Identity = fields({ id: text })
export type Identity = z.infer<typeof Identity>

/** One entry of a Console's `GET /api/organizations/{organization}/members`. */
export const Member = fields({ id: z.string(), email: z.string(), role: text, since: text })
export type Member = z.infer<typeof Member>
export const Members = z.array(Member)

/** What removing one answers: also the deploy keys that they made, which go on working. */
export const RemovedMember = fields({ deploy_keys: z.array(z.string()) })

/** What inviting somebody answers; the code is in `url` as well. */
export const Invitation = fields({ token: z.string(), url: z.string(), expires_at: text })

/** What accepting an invitation answers. */
export const Accepted = fields({ organization: fields({ name: z.string() }), role: text })

/** One entry of `GET /api/organizations/{organization}/deploy-keys`; no `expires_at`: never. */
export const DeployKey = fields({
  id: z.string(),
  name: z.string(),
  last_four: text,
  created_by: text,
  expires_at: text,
  expired: z.boolean(),
  last_used: fields({ at: text, address: text, client: text }).nullish(),
})

/** `GET /api/account`, as far as this is a person. */
export const OwnAccount = fields({ email: text })

/** What `POST /api/account/api-key` answers. */
export const NewApiKey = fields({ api_key: z.string().regex(/^cvxu_\w+$/) })

export type DeployKey = z.infer<typeof DeployKey>
export const DeployKeys = z.array(DeployKey)

/** What making one answers. */
export const CreatedDeployKey = fields({ name: z.string(), key: z.string(), expires_at: text })

/** A roll of a Rack's API key, as the Console's own API tells it. Times in milliseconds since 1970. */
export const KeyRoll = fields({
  id: text,
  rack: text,
  state: text,
  detail: text,
  started_by: text,
  started_at: integer,
  updated_at: integer,
  grace_until: z.number().nullish(),
  error: z.string().nullish(),
  uses: z
    .array(fields({ address: text, client: text, last_at: integer, count: integer }))
    .nullish()
    .transform((value) => value ?? []),
})
export type KeyRoll = z.infer<typeof KeyRoll>

/** `GET /api/racks/{organization}/{rack}/key`. */
export const KeyReport = fields({
  rack: text,
  version: integer,
  roll: KeyRoll.nullish(),
  schedule: fields({ every_seconds: integer, next_at: integer }).nullish(),
})
export type KeyReport = z.infer<typeof KeyReport>
