import { KeyrackError } from '@keyrack/protocol'
import { parsePin } from '@keyrack/protocol/client'
import { type Secret, seal } from '@keyrack/secrets'
import { isUniqueViolation } from '@keyrack/server'
import type { RequestContext } from '../context.ts'
import type { AccountEntry, OrganizationEntry, RackEntry } from '../directory.ts'
import { newId } from '../new-id.ts'
import { findOrganization } from '../organizations/find-organization.ts'
import { registerConsole } from '../rack-rolls/register-console.ts'
import { actorNow, requireServerAdministrator } from './administered-rack.ts'
import { askRack, type RackFacts } from './ask-rack.ts'
import { choosePin } from './choose-pin.ts'
import { rackKeyContext } from './open-rack-key.ts'
import { parseRackKey } from './parse-rack-key.ts'
import { parseRackName } from './parse-rack-name.ts'
import { locateRack, type RackAddress } from './rack-address.ts'
import { recordRackEvent } from './rack-event.ts'
import type { RacksDomain } from './racks-domain.ts'

export interface AddRackInput {
  organization: string
  name: string
  host: string
  key: Secret
  /** Of the certificate; may be left out where a certificate authority vouches for it. */
  fingerprint?: string | undefined
  /** Takes one of our Racks from the Console that holds it. */
  takeOver?: boolean | undefined
}

/** What the Rack has shown that its administrator should know. */
export interface AnsweredRack extends RackEntry {
  showsKey: boolean
}

interface CheckedRack extends RackAddress, RackFacts {
  name: string
  pin: string
  key: Secret
}

/**
 * Puts a running Rack under this Console. Everything is checked against the Rack itself before
 * anything is saved; then the row, its sealed key and the audit rows are one transaction. That it
 * was tried in vain is on record as well.
 */
export async function addRack(
  domain: RacksDomain,
  actor: AccountEntry,
  input: AddRackInput,
  request: RequestContext,
): Promise<AnsweredRack> {
  const mine = () =>
    findOrganization(
      domain,
      actorNow(domain.directory, actor),
      input.organization,
      'administer',
      'add Racks',
    )
  const organization = mine()
  const name = parseRackName(input.name)
  try {
    return await addTo(organization, { ...input, name }, mine, domain, actor, request)
  } catch (error) {
    const asked = input.fingerprint === undefined && isQuestion(error)
    if (!asked) await recordFailure(domain, actor, organization, name, error, request)
    throw error
  }
}

/** What certificate it has was asked, and no key was sent. */
function isQuestion(error: unknown): boolean {
  return error instanceof KeyrackError && error.field === 'fingerprint'
}

async function addTo(
  organization: OrganizationEntry,
  input: AddRackInput,
  /** Throws when the actor has lost the right meanwhile. */
  mine: () => OrganizationEntry,
  domain: RacksDomain,
  actor: AccountEntry,
  request: RequestContext,
): Promise<AnsweredRack> {
  const { directory, guard } = domain
  const { name } = input
  const key = parseRackKey(input.key)
  const fingerprint = input.fingerprint === undefined ? undefined : parsePin(input.fingerprint)
  if (rackOf(domain, actor, organization, name) !== undefined) throw nameTaken(organization, name)

  const address = await locateRack(guard, input.host)
  if (address.local) requireServerAdministrator(actor)
  const pin = await choosePin(guard, address, fingerprint)
  const facts = await askRack(guard, { ...address, pin }, key)
  mine()
  if (address.local) requireServerAdministrator(actorNow(directory, actor))
  if (facts.remoteId !== null) {
    refuseKnown(domain, actor, facts.remoteId)
    await registerConsole(domain, { ...address, pin }, key, input.takeOver ?? false)
  }

  const id = await save(
    domain,
    actor,
    organization,
    { ...address, ...facts, name, pin, key },
    request,
  )
  directory.setRackStatus(id, 'running')
  const added = rackOf(domain, actor, organization, name)
  if (added === undefined) throw new KeyrackError('not-found', 'this Rack was just removed')
  return { ...added, showsKey: facts.showsKey }
}

async function save(
  domain: RacksDomain,
  actor: AccountEntry,
  organization: OrganizationEntry,
  rack: CheckedRack,
  request: RequestContext,
): Promise<string> {
  const { name, url, local, pin, provider, version, remoteId } = rack
  const [id, now] = [newId(), domain.clock()]
  try {
    await domain.commit(async (tx) => {
      await tx
        .insertInto('racks')
        .values({
          id,
          organization_id: organization.id,
          name,
          provider,
          version,
          url,
          pin,
          remote_id: remoteId,
          local_at: null,
          loopback_at: local ? now : null,
          sealed_key: seal(domain.keyring, rack.key, rackKeyContext(id, 1)),
          key_version: 1,
          created_at: now,
        })
        .execute()
      const target = `${organization.name}/${name}`
      const note = `${url}, certificate ${pin === '' ? 'of an authority' : pin}`
      const event = { action: 'rack.add', organization, rackId: id, target, status: 201, note }
      await recordRackEvent(domain, actor, event, request, tx)
    })
  } catch (error) {
    if (isUniqueViolation(error, 'racks.name')) throw nameTaken(organization, name)
    if (isUniqueViolation(error, 'racks.remote_id')) throw rackTaken(domain, actor, remoteId)
    throw error
  }
  return id
}

/** The reason as the caller is told it, which never holds the key. */
async function recordFailure(
  domain: RacksDomain,
  actor: AccountEntry,
  organization: OrganizationEntry,
  name: string,
  error: unknown,
  request: RequestContext,
): Promise<void> {
  const { status, message: note } =
    error instanceof KeyrackError ? error : { status: 500, message: 'an error of this server' }
  const target = `${organization.name}/${name}`
  const event = { action: 'rack.add', organization, target, status, note }
  await recordRackEvent(domain, actor, event, request).catch((cause: unknown) =>
    domain.log.error({ err: cause }, 'a Rack that was not added is not on record'),
  )
}

function rackOf(
  { directory }: RacksDomain,
  actor: AccountEntry,
  { id }: OrganizationEntry,
  name: string,
): RackEntry | undefined {
  return directory
    .racksOf(actor)
    .find((entry) => entry.organization.id === id && entry.name === name)
}

/** Before the Rack is told anything; the unique index decides where two come at once. */
function refuseKnown(domain: RacksDomain, actor: AccountEntry, remoteId: string): void {
  const { directory } = domain
  if (directory.rackByRemoteId(remoteId) !== undefined) throw rackTaken(domain, actor, remoteId)
}

function nameTaken(organization: OrganizationEntry, name: string): KeyrackError {
  return new KeyrackError('conflict', `there is a Rack ${organization.name}/${name} already`, {
    field: 'name',
    hint: 'choose another name, or remove that one first',
  })
}

/** Whose it is, is told only to those who see it anyway. */
function rackTaken(
  { directory }: RacksDomain,
  actor: AccountEntry,
  remoteId: string | null,
): KeyrackError {
  const known = directory.racksOf(actor).find((entry) => entry.remoteId === remoteId)
  const as = known === undefined ? '' : ` as ${known.organization.name}/${known.name}`
  return new KeyrackError('conflict', `this Rack is in this Console already${as}`, {
    field: 'host',
    hint: 'a Rack belongs to one organization',
  })
}
