import type { DefineCommand } from '../../../command-table.ts'
import type { Connection } from '../../../connect.ts'
import type { Context, GlobalOptions } from '../../../context.ts'
import { connectToAccess } from '../../../rack-access.ts'
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
  const connection = await connectToAccess(context, options)
  if (options.json) {
    terminal.printJson(await connection.get(connection.path ?? PATH, (value) => value ?? []))
    return
  }
  if (connection.path !== undefined) {
    await listAtConsole(context, connection, connection.path)
    return
  }
  const { AccessTokens } = await import('@keyrack/protocol/key-resources')
  const tokens = await connection.get(PATH, (value) => AccessTokens.parse(value))
  const rows = tokens.map((one) => [one.id, one.role, time(one.created_at), time(one.expires_at)])
  terminal.print(formatTable([['ID', 'ROLE', 'CREATED', 'EXPIRES'], ...rows]))
  if (tokens.length === 0) terminal.note('this Rack has no access tokens')
}

async function listAtConsole(
  { terminal }: Context,
  connection: Connection,
  path: string,
): Promise<void> {
  const { ConsoleAccessTokens } = await import('@keyrack/protocol/key-resources')
  const { tokens, problem } = await connection.get(path, (value) =>
    ConsoleAccessTokens.parse(value),
  )
  const rows = tokens.map((one) => [
    ...[one.id, one.role, one.minter ?? 'with the key of the Rack'],
    ...[time(one.created_at), time(one.expires_at)],
    one.ending_since === null ? 'works' : 'to be ended, not done yet',
  ])
  terminal.print(formatTable([['ID', 'ROLE', 'MADE BY', 'CREATED', 'EXPIRES', 'STATE'], ...rows]))
  if (problem !== null) terminal.warn(`the Rack could not be asked: ${problem}`)
  else if (tokens.length === 0) terminal.note('this Rack has no access tokens')
}

function time(at: number): string {
  return shortTime(new Date(at).toISOString())
}
