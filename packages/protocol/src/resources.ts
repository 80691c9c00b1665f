import { z } from 'zod'

/**
 * What travels as JSON, with the official names (protocol.md 2.1, 4, 5.1). Decoding is as lenient
 * as the Go clients: unknown keys are dropped, null is the zero value.
 */

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
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {})

/** `GET /system`. */
export const System = z.object({
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
export const Instance = z.object({
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

/** One entry of a Console's `GET /racks`. */
export const RackSummary = z.object({
  name: z.string(),
  organization: z
    .object({ id: text, name: text })
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

/** `GET /auth` where the answer is JSON; official Racks answer a text. */
export const Identity = z.object({ id: text })
export type Identity = z.infer<typeof Identity>
