import { type Connection, connectToHost } from '../connect.ts'
import type { Context } from '../context.ts'
import { UsageError } from '../failures.ts'
import { connectToOrganization, type OrganizationOptions } from '../organization.ts'

export interface AuditSourceOptions extends OrganizationOptions {
  /** The Console's own log instead of an organization's. */
  server?: true
}

export interface AuditSource extends Connection {
  /** `/api/organizations/acme/audit` or `/api/audit` */
  path: string
  /** Whose log it is, in words. */
  whose: string
}

/** The log that is asked for, and the way to it. */
export async function connectToAudit(
  context: Context,
  options: AuditSourceOptions,
): Promise<AuditSource> {
  if (options.server !== true) {
    const connection = await connectToOrganization(context, options)
    return { ...connection, path: `${connection.path}/audit`, whose: connection.organization }
  }
  if (options.organization !== undefined) {
    throw new UsageError('--server and --organization are two different logs', 'give one of them')
  }
  return { ...(await connectToHost(context, options)), path: '/api/audit', whose: 'the server' }
}

/** `--since 2h`, `--since 30d` or a date, as the time that a server takes. */
export async function sinceTime(typed: string, now: () => number = Date.now): Promise<string> {
  const { parseDuration } = await import('@keyrack/protocol')
  const days = /^(\d{1,5})d$/.exec(typed)?.[1]
  const ago = days === undefined ? parseDuration(typed) : Number(days) * 86_400_000
  const at = ago === undefined ? Date.parse(typed) : now() - ago
  if (Number.isNaN(at)) {
    throw new UsageError(
      '--since is a duration or a time',
      'for example: --since 24h, 30d or 2026-11-01T12:00Z',
    )
  }
  return new Date(Math.max(at, 0)).toISOString()
}
