import type { DefineCommand } from '../command-table.ts'
import type { Context } from '../context.ts'
import { connectToOrganization, type OrganizationOptions } from '../organization.ts'
import { relativeTime } from '../relative-time.ts'
import { formatTable } from '../table.ts'

interface MembersOptions extends OrganizationOptions {
  json?: true
}

export const defineMembers: DefineCommand = (command, context) => {
  command
    .option('--organization <name>', 'the organization, if not that of the chosen Rack')
    .option('--json', "print the server's list as JSON")
    .addHelpText(
      'after',
      '\nExamples:\n  $ convox members\n  $ convox members role ann@example.com operator',
    )
    .action((options: MembersOptions) => members(context, options))
}

async function members(context: Context, options: MembersOptions): Promise<void> {
  const { terminal } = context
  const connection = await connectToOrganization(context, options)
  const path = `${connection.path}/members`
  if (options.json) {
    terminal.printJson(await connection.get(path, (value) => value ?? []))
    return
  }
  const { Members } = await import('@keyrack/protocol/resources')
  const list = await connection.get(path, (value) => Members.parse(value))
  const rows = list.map(({ email, role, since }) => [email, role, relativeTime(since)])
  terminal.print(formatTable([['EMAIL', 'ROLE', 'JOINED'], ...rows]))
}
