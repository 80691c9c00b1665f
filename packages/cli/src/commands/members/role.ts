import type { DefineCommand } from '../../command-table.ts'
import type { Context } from '../../context.ts'
import { checkedRole, findMember, ROLES } from '../../member.ts'
import { connectToOrganization, type OrganizationOptions } from '../../organization.ts'

const HELP = `
Roles:
  administrator  everything, members and deploy keys too
  operator       runs code: shells, exec, run
  developer      changes apps and instances
  viewer         reads

Example:
  $ convox members role ann@example.com operator`

export const defineRole: DefineCommand = (command, context) => {
  command
    .argument('<email>', 'a member, as convox members lists them')
    .argument('<role>', ROLES.join(', '))
    .option('--organization <name>', 'the organization, if not that of the chosen Rack')
    .addHelpText('after', HELP)
    .action((email: string, role: string, options: OrganizationOptions) =>
      changeRole(context, options, email, role),
    )
}

async function changeRole(
  context: Context,
  options: OrganizationOptions,
  email: string,
  typed: string,
): Promise<void> {
  const role = checkedRole(typed)
  const connection = await connectToOrganization(context, options)
  const member = await findMember(connection, email)
  await connection.request('PUT', `${connection.path}/members/${member.id}`, { json: { role } })
  context.terminal.print(`${member.email} is now ${role} in ${connection.organization}`)
}
