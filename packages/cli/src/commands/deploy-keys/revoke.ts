import type { DefineCommand } from '../../command-table.ts'
import type { Context } from '../../context.ts'
import { Failure } from '../../failures.ts'
import { connectToOrganization, type OrganizationOptions } from '../../organization.ts'
import { suggest } from '../../suggest.ts'

export const defineRevoke: DefineCommand = (command, context) => {
  command
    .argument('<name>', 'a deploy key, as convox deploy-keys lists them')
    .option('--organization <name>', 'the organization, if not that of the chosen Rack')
    .addHelpText(
      'after',
      '\nThe key is refused at once.\n\nExample:\n  $ convox deploy-keys revoke github-actions',
    )
    .action((name: string, options: OrganizationOptions) => revoke(context, options, name))
}

async function revoke(context: Context, options: OrganizationOptions, typed: string) {
  const name = typed.trim().toLowerCase()
  const connection = await connectToOrganization(context, options)
  const { organization, path } = connection
  const { DeployKeys } = await import('@keyrack/protocol/resources')
  const list = await connection.get(`${path}/deploy-keys`, (value) => DeployKeys.parse(value))
  const found = list.find((key) => key.name === name)
  if (found === undefined) {
    const meant = suggest(
      name.slice(0, 80),
      list.map((key) => key.name),
    )
    throw new Failure(
      `${organization} has no deploy key ${JSON.stringify(typed.slice(0, 80))}`,
      meant === undefined ? 'see which there are: convox deploy-keys' : `did you mean ${meant}`,
    )
  }
  await connection.request('DELETE', `${path}/deploy-keys/${found.id}`)
  context.terminal.print(`Revoked the deploy key ${found.name} of ${organization}`)
}
