import { KeyrackError } from '@keyrack/protocol'
import { hashApiKey, lastFour, mintApiKey, type Secret } from '@keyrack/secrets'
import { isUniqueViolation } from '@keyrack/server'
import type { Domain, RequestContext } from '../context.ts'
import type { AccountEntry, OrganizationEntry } from '../directory.ts'
import { newId } from '../new-id.ts'
import { findOrganization } from '../organizations/find-organization.ts'
import { writeCredential } from '../vault/write-credential.ts'

export interface DeployKeyInput {
  organization: string
  name: string
  /** Days until it expires; null: never. */
  expiresInDays: number | null
}

export interface CreatedDeployKey {
  id: string
  name: string
  organization: OrganizationEntry
  expiresAt: number | null
  /** Shown once; only its hash is kept. */
  key: Secret
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/
const DAY_MS = 24 * 60 * 60_000
/** Long enough for anybody, and still a date. */
const DAYS_MAX = 3650

export async function createDeployKey(
  domain: Domain,
  actor: AccountEntry,
  input: DeployKeyInput,
  request: RequestContext,
): Promise<CreatedDeployKey> {
  const organization = findOrganization(
    domain,
    actor,
    input.organization,
    'administer',
    'make deploy keys',
  )
  const name = parseName(input.name)
  const id = newId()
  const now = domain.clock()
  const expiresAt = parseExpiry(input.expiresInDays, now)
  const key = mintApiKey('deploy')
  await domain.commit(async (tx) => {
    try {
      const row = {
        id,
        organization_id: organization.id,
        name,
        hash: hashApiKey(key),
        last_four: lastFour(key),
        created_by: actor.id,
        created_at: now,
        expires_at: expiresAt,
      }
      await writeCredential(tx, 'deploy_keys', id, () =>
        tx.insertInto('deploy_keys').values(row).execute(),
      )
    } catch (error) {
      if (!isUniqueViolation(error)) throw error
      throw new KeyrackError('conflict', `${organization.name} has a deploy key ${name} already`, {
        field: 'name',
        hint: 'choose another name, or revoke that one first: convox deploy-keys revoke NAME',
      })
    }
    const until = expiresAt === null ? 'never' : new Date(expiresAt).toISOString()
    await domain.audit.record(
      {
        organizationId: organization.id,
        actor: { id: actor.id, name: actor.email },
        action: 'deploy-key.create',
        target: name,
        ...request,
      },
      { status: 201, note: `${id}, expires ${until}` },
      tx,
    )
  })
  return { id, name, organization, expiresAt, key }
}

function parseName(text: string): string {
  const name = text.trim().toLowerCase()
  if (NAME.test(name)) return name
  throw new KeyrackError(
    'invalid',
    'the name of a deploy key has 1 to 63 letters a to z, digits, dots, hyphens and underscores, and starts with a letter or digit',
    { field: 'name', hint: 'name it for what uses it, like github-actions' },
  )
}

function parseExpiry(days: number | null, now: number): number | null {
  if (days === null) return null
  if (Number.isInteger(days) && days >= 1 && days <= DAYS_MAX) return now + days * DAY_MS
  throw new KeyrackError('invalid', `a deploy key lives 1 to ${DAYS_MAX} whole days, or for ever`, {
    field: 'expires_in_days',
  })
}
