import type { DefineCommand } from '../../command-table.ts'
import { connectToRack } from '../../connect.ts'
import type { Context, GlobalOptions } from '../../context.ts'
import { relativeTime } from '../../relative-time.ts'
import { formatTable } from '../../table.ts'

interface ReleasesOptions extends GlobalOptions {
  json?: true
}

export const defineReleases: DefineCommand = (command, context) => {
  command
    .option('--json', "print the server's list as JSON")
    .addHelpText(
      'after',
      '\nNewest first, 20 at most.\n' +
        '\nExamples:\n  $ convox rack releases\n  $ convox rack releases --json',
    )
    .action((options: ReleasesOptions) => releases(context, options))
}

async function releases(context: Context, options: ReleasesOptions): Promise<void> {
  const { terminal } = context
  const connection = await connectToRack(context, options)
  if (options.json) {
    terminal.printJson(await connection.get('/system/releases', (value) => value ?? []))
    return
  }
  const { Releases } = await import('@keyrack/protocol/resources')
  const list = await connection.get('/system/releases', (value) => Releases.parse(value))
  const rows = list.map(({ id, created }) => [id, relativeTime(created)])
  terminal.print(formatTable([['VERSION', 'UPDATED'], ...rows]))
}
