import { type Connection, connectToHost } from './connect.ts'
import type { Context, GlobalOptions } from './context.ts'
import { Failure, UsageError } from './failures.ts'
import { findRack } from './target.ts'

export interface OrganizationOptions extends GlobalOptions {
  organization?: string
}

/** An organization of the Console that this command is about, and the way to it. */
export interface OrganizationConnection extends Connection {
  organization: string
  /** `/api/organizations/acme` */
  path: string
}

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/

/** `--organization`, else that of the chosen Rack, else the only one there is. */
export async function connectToOrganization(
  context: Context,
  options: OrganizationOptions,
): Promise<OrganizationConnection> {
  const connection = await connectToHost(context, options)
  const organization =
    options.organization === undefined
      ? await chooseOrganization(context, options, connection)
      : checkedOrganization(options.organization)
  return { ...connection, organization, path: `/api/organizations/${organization}` }
}

export function checkedOrganization(typed: string): string {
  const name = typed.trim().toLowerCase()
  if (NAME.test(name)) return name
  throw new UsageError(
    `${JSON.stringify(typed.slice(0, 80))} is no name of an organization`,
    'it is the part before the slash in: convox racks',
  )
}

async function chooseOrganization(
  context: Context,
  options: GlobalOptions,
  connection: Connection,
): Promise<string> {
  const names = await organizationsOf(connection)
  const [only, ...others] = names
  if (only === undefined) {
    throw new Failure(
      'you are in no organization',
      'ask for an invitation, then run: convox invite accept',
    )
  }
  if (others.length === 0) return only
  const rack = findRack(context, options, connection.target.host.name)?.name
  const ofRack = rack?.includes('/') ? rack.slice(0, rack.indexOf('/')) : undefined
  if (ofRack !== undefined && names.includes(ofRack)) return ofRack
  throw new Failure(
    `you are in several organizations: ${names.join(', ')}`,
    'say which one: --organization NAME',
  )
}

async function organizationsOf(connection: Connection): Promise<string[]> {
  const host = connection.target.host.name
  try {
    return await connection.get('/api/account', organizationNames)
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'not-found') throw error
    throw new Failure(`${host} keeps no members of organizations`, 'log in to a Keyrack Console')
  }
}

function organizationNames(value: unknown): string[] {
  const list = isRecord(value) && Array.isArray(value.organizations) ? value.organizations : []
  return list
    .map((entry: unknown) => (isRecord(entry) ? entry.name : undefined))
    .filter((name) => typeof name === 'string')
    .filter((name) => NAME.test(name))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
