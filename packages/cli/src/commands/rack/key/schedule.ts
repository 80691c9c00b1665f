import type { DefineCommand } from '../../../command-table.ts'
import type { Context, GlobalOptions } from '../../../context.ts'
import { UsageError } from '../../../failures.ts'
import { connectToRackKey } from '../../../rack-key.ts'

interface ScheduleOptions extends GlobalOptions {
  every: string
}

export const defineSchedule: DefineCommand = (command, context) => {
  command
    .argument('[org/rack]', 'the Rack, if not the chosen one')
    .requiredOption('--every <time>', 'days or hours, like 30d or 12h; off: not any more')
    .addHelpText(
      'after',
      '\nThe Console rolls the key by itself. A failure is in the audit log, and is told to WEBHOOK_URL\n' +
        'where the Console has one.\n\nExamples:\n  $ convox rack key schedule --every 30d\n' +
        '  $ convox rack key schedule acme/live --every off',
    )
    .action((rack: string | undefined, options: ScheduleOptions) =>
      schedule(context, options, rack),
    )
}

async function schedule(context: Context, options: ScheduleOptions, typed?: string): Promise<void> {
  const every_seconds = parseEvery(options.every)
  const connection = await connectToRackKey(context, options, typed)
  await connection.request('PUT', `${connection.path}/schedule`, { json: { every_seconds } })
  const { rack } = connection
  context.terminal.print(
    every_seconds === null
      ? `The key of ${rack} is rolled when somebody asks for it`
      : `The key of ${rack} is rolled every ${options.every}`,
  )
}

function parseEvery(typed: string): number | null {
  if (typed === 'off') return null
  const [, count, unit] = /^([1-9]\d{0,3})([dh])$/.exec(typed) ?? []
  if (count !== undefined) return Number(count) * (unit === 'd' ? 86_400 : 3_600)
  throw new UsageError(
    `--every ${JSON.stringify(typed.slice(0, 40))} is no time between rolls`,
    'give it as in --every 30d or --every off',
  )
}
