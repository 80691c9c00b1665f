import type { DefineCommand } from '../../command-table.ts'
import { connectToRack } from '../../connect.ts'
import type { Context, GlobalOptions } from '../../context.ts'
import { codeOf } from '../../error-code.ts'
import { UsageError } from '../../failures.ts'
import { isClassic } from '../../is-classic.ts'
import { printLog } from '../../print-log.ts'
import { readSystem } from '../../wait-for-rack.ts'

interface LogsOptions extends GlobalOptions {
  since?: string
  filter?: string
  /** Set to false by `--no-follow`. */
  follow: boolean
  json?: true
}

export const defineLogs: DefineCommand = (command, context) => {
  command
    .option('--since <duration>', 'begin so long ago: 30s, 10m, 1h30m; 2m if not given')
    .option('--filter <pattern>', 'only lines with all of these words; -word: without it')
    .option('--no-follow', 'end after the lines that are there')
    .option('--json', 'print a line of JSON for each line: at, source, message')
    .addHelpText(
      'after',
      '\nWith --json, at and source are null where a line does not say them.\n' +
        '\nExamples:\n  $ convox rack logs\n  $ convox rack logs --since 1h --no-follow' +
        "\n  $ convox rack logs --filter 'i-1 -shell'",
    )
    .action((options: LogsOptions) => logs(context, options))
}

async function logs(context: Context, options: LogsOptions): Promise<void> {
  const headers = await logHeaders(options)
  const connection = await connectToRack(context, options)
  const stream = await connection.stream('/system/logs', headers)
  const format = { json: options.json === true }
  try {
    await printLog(context.terminal, stream, connection.target, format)
  } catch (error) {
    // Racks of the first generation just hang up at the end.
    const lost = !options.follow && codeOf(error) === 'rack-unreachable'
    if (!lost || !isClassic(await readSystem(connection))) throw error
  }
}

/** Options travel as headers, and only when they are given (protocol.md 7.3). */
async function logHeaders(options: LogsOptions): Promise<Record<string, string>> {
  const { since, filter, follow } = options
  const { parseDuration } = await import('@keyrack/protocol')
  if (since !== undefined && parseDuration(since) === undefined) {
    throw new UsageError('--since is a duration', 'for example: --since 30s, 10m or 1h30m')
  }
  if (filter !== undefined && /\p{Cc}/u.test(filter)) {
    throw new UsageError(
      '--filter may not hold line breaks or control characters',
      "give words: --filter 'i-1 -shell'",
    )
  }
  return {
    Prefix: 'true',
    ...(since === undefined ? {} : { Since: since }),
    ...(filter === undefined ? {} : { Filter: filter }),
    ...(follow ? {} : { Follow: 'false' }),
  }
}
