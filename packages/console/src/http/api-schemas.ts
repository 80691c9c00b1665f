import { Secret } from '@keyrack/secrets'
import { z } from 'zod'
import { ROLES } from '../organizations/roles.ts'

// The body limit is 64 KiB; the domain has its own, shorter limits where they mean something.
const LONGEST = 16_384

/** SQLite reads a text up to its first NUL, and a lone surrogate cannot be stored at all. */
const text = z
  .string()
  .max(LONGEST)
  .refine((value) => !value.includes('\0'), 'must not hold a NUL character')
  .refine((value) => value.isWellFormed(), 'must be valid Unicode')

const secret = text.transform((value) => Secret.of(value))

export const SignUpBody = z.strictObject({
  email: text,
  password: secret,
  organization: text.optional(),
  invitation: text.optional(),
  setup_token: text.optional(),
})

export const SignInBody = z.strictObject({ email: text, password: secret })

export const ChangePasswordBody = z.strictObject({ current: secret, password: secret })

export const RegenerateBody = z.strictObject({
  roll: text.optional(),
  password: secret.optional(),
  /** With the password, in the place of a key or a session. */
  email: text.optional(),
})

export const InvitationBody = z.strictObject({
  email: text.optional(),
  organization: text.optional(),
  role: z.enum(ROLES).optional(),
})

export const AddRackBody = z.strictObject({
  organization: text,
  name: text,
  host: text,
  key: secret,
  fingerprint: text.optional(),
  take_over: z.boolean().optional(),
})
export const RenameRackBody = z.strictObject({ name: text })
export const TrustRackBody = z.strictObject({ fingerprint: text, password: secret })

export const AccessBody = z.strictObject({
  role: z.enum(['read', 'write']),
  duration_in_hours: z.number(),
})

export const RollBody = z.strictObject({ grace_seconds: z.int().default(0) })
export const FinishRollBody = z.strictObject({ force: z.boolean().default(false) })
export const ScheduleBody = z.strictObject({ every_seconds: z.int().nullable() })
export const SetKeyBody = z.strictObject({ key: secret })

export const AcceptanceBody = z.strictObject({
  invitation: text,
  organization: text.optional(),
})

export const RoleBody = z.strictObject({ role: z.enum(ROLES) })

/** Suggested by every interface, so that a forgotten key ends by itself. */
const DEPLOY_KEY_DAYS = 90

export const DeployKeyBody = z.strictObject({
  name: text,
  /** Null: never. */
  expires_in_days: z.number().nullable().default(DEPLOY_KEY_DAYS),
})

/** A time as it is written in a query, in milliseconds since 1970. */
const instant = text.transform((value, issues) => {
  const at = Date.parse(value)
  if (Number.isSafeInteger(at) && at >= 0) return at
  issues.addIssue({ code: 'custom', message: 'must be a time such as 2026-11-23T12:00:00Z' })
  return z.NEVER
})

const wholeNumber = (most: number) =>
  text
    .regex(/^[1-9]\d{0,14}$/)
    .transform(Number)
    .refine((value) => value <= most, `must be at most ${most}`)

export const AuditExportQuery = z.strictObject({
  since: instant.exactOptional(),
  after: wholeNumber(Number.MAX_SAFE_INTEGER).exactOptional(),
  limit: wholeNumber(100_000).exactOptional(),
})

export const AuditListQuery = z.strictObject({
  rack: text.exactOptional(),
  user: text.exactOptional(),
  action: text
    .refine(
      (value) => /^[a-z0-9.-]{1,80}\*?$/.test(value),
      'must be an action such as instances.terminate, or instances.*',
    )
    .exactOptional(),
  since: instant.exactOptional(),
  before: wholeNumber(Number.MAX_SAFE_INTEGER).exactOptional(),
  limit: wholeNumber(1000).exactOptional(),
})
