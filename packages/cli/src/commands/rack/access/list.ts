import type { DefineCommand } from '../../../command-table.ts'
import { connectToRack } from '../../../connect.ts'
import type { Context, GlobalOptions } from '../../../context.ts'
import { shortTime } from '../../../short-time.ts'
import { formatTable } from '../../../table.ts'

interface ListOptions extends GlobalOptions {
  json?: true
}

const PATH = '/system/jwt/tokens'

export const defineAccessList: DefineCommand = (command, context) => {
  command
    .option('--json', "print the server's list as JSON")
    .addHelpText(
      'after',
      '\nA token itself is shown when it is made and never again.\n' +
        '\nExamples:\n  $ convox rack access list\n  $ convox rack access list --json',
    )
    .action((options: ListOptions) => list(context, options))
}

async function list(context: Context, options: ListOptions): Promise<void> {
  const { terminal } = context
  const connection = await connectToRack(context, options)
  if (options.json) {
    terminal.printJson(await connection.get(PATH, (value) => value ?? []))
    return
  }
  const { AccessTokens } = await import('@keyrack/protocol/key-resources')
  const tokens = await connection.get(PATH, (value) => AccessTokens.parse(value))
  const time = (at: number) => shortTime(new Date(at).toISOString())
  const rows = tokens.map((one) => [one.id, one.role, time(one.created_at), time(one.expires_at)])
  terminal.print(formatTable([['ID', 'ROLE', 'CREATED', 'EXPIRES'], ...rows]))
  if (tokens.length === 0) terminal.note('this Rack has no access tokens')
}
