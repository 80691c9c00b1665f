import type { DeployKey } from '@keyrack/protocol/resources'
import type { DefineCommand } from '../command-table.ts'
import type { Context } from '../context.ts'
import { connectToOrganization, type OrganizationOptions } from '../organization.ts'
import { shortTime } from '../short-time.ts'
import { formatTable } from '../table.ts'

interface DeployKeysOptions extends OrganizationOptions {
  json?: true
}

export const defineDeployKeys: DefineCommand = (command, context) => {
  command
    .option('--organization <name>', 'the organization, if not that of the chosen Rack')
    .option('--json', "print the server's list as JSON")
    .addHelpText(
      'after',
      '\nA deploy key is for CI: it belongs to an organization and is good for a few commands only;\n' +
        'convox help deploy-keys create lists them.\n' +
        '\nExamples:\n  $ convox deploy-keys\n  $ convox deploy-keys create github-actions',
    )
    .action((options: DeployKeysOptions) => deployKeys(context, options))
}

async function deployKeys(context: Context, options: DeployKeysOptions): Promise<void> {
  const { terminal } = context
  const connection = await connectToOrganization(context, options)
  const path = `${connection.path}/deploy-keys`
  if (options.json) {
    terminal.printJson(await connection.get(path, (value) => value ?? []))
    return
  }
  const { DeployKeys } = await import('@keyrack/protocol/resources')
  const list = await connection.get(path, (value) => DeployKeys.parse(value))
  terminal.print(
    formatTable([['NAME', 'KEY', 'CREATED BY', 'EXPIRES', 'LAST USED'], ...list.map(row)]),
  )
  if (list.length === 0) terminal.note(`${connection.organization} has no deploy keys`)
}

function row(key: DeployKey): string[] {
  const expires = key.expires_at === '' ? 'never' : shortTime(key.expires_at)
  const shown = key.expired ? `expired ${expires}` : expires
  const { last_used: used } = key
  const last = used == null ? 'never used' : `${shortTime(used.at)} from ${used.address}`
  return [key.name, `cvxd_…${key.last_four}`, key.created_by, shown, last]
}
