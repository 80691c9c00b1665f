import type { DefineCommand } from '../../command-table.ts'
import type { Context } from '../../context.ts'
import { EndWith, Failure } from '../../failures.ts'
import { findMember } from '../../member.ts'
import { connectToOrganization, type OrganizationOptions } from '../../organization.ts'

interface RemoveOptions extends OrganizationOptions {
  force?: true
}

export const defineRemove: DefineCommand = (command, context) => {
  command
    .argument('<email>', 'a member, as convox members lists them; your own to leave')
    .option('--organization <name>', 'the organization, if not that of the chosen Rack')
    .option('-f, --force', 'do not ask')
    .addHelpText('after', '\nExample:\n  $ convox members remove ann@example.com')
    .action((email: string, options: RemoveOptions) => remove(context, options, email))
}

async function remove(context: Context, options: RemoveOptions, email: string): Promise<void> {
  const { terminal } = context
  if (!options.force && !terminal.canAsk) {
    throw new Failure('there is no terminal to ask whether this is meant', 'add --force')
  }
  const connection = await connectToOrganization(context, options)
  const { organization } = connection
  const member = await findMember(connection, email)
  const question = `Remove ${member.email} (${member.role}) from ${organization}?`
  if (!options.force && !(await terminal.confirm(question))) {
    terminal.note('nothing was changed')
    throw new EndWith(1)
  }
  const answer = await connection.request('DELETE', `${connection.path}/members/${member.id}`)
  terminal.print(`Removed ${member.email} from ${organization}`)
  const { RemovedMember } = await import('@keyrack/protocol/resources')
  const { deploy_keys: keys } = RemovedMember.parse(JSON.parse(answer.body))
  if (keys.length === 0) return
  terminal.warn(
    `deploy keys that they made still work: ${keys.join(', ')}; to end one, run: convox deploy-keys revoke NAME`,
  )
}
