import { type Member, Members } from '@keyrack/protocol/resources'
import { Failure, UsageError } from './failures.ts'
import type { OrganizationConnection } from './organization.ts'
import { suggest } from './suggest.ts'

export const ROLES: readonly string[] = ['administrator', 'operator', 'developer', 'viewer']

export function checkedRole(typed: string): string {
  const role = typed.trim().toLowerCase()
  if (ROLES.includes(role)) return role
  const meant = suggest(role, ROLES)
  throw new UsageError(
    `a role is one of ${ROLES.join(', ')}`,
    meant === undefined ? 'see: convox help members role' : `did you mean ${meant}`,
  )
}

/** The member that goes by an e-mail address, in any capitals. */
export async function findMember(
  connection: OrganizationConnection,
  typed: string,
): Promise<Member> {
  const wanted = typed.normalize('NFKC').trim().toLowerCase()
  const list = await connection.get(`${connection.path}/members`, (value) => Members.parse(value))
  const found = list.find(({ email }) => email === wanted)
  if (found !== undefined) return found
  const emails = list.map(({ email }) => email)
  const meant = suggest(wanted.slice(0, 300), emails)
  throw new Failure(
    `${connection.organization} has no member ${JSON.stringify(typed.slice(0, 300))}`,
    meant === undefined ? 'see who there is: convox members' : `did you mean ${meant}`,
  )
}
