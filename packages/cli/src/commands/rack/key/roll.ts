import { parseDuration } from '@keyrack/protocol'
import type { DefineCommand } from '../../../command-table.ts'
import type { Context, GlobalOptions } from '../../../context.ts'
import { UsageError } from '../../../failures.ts'
import { endOfRoll, followRoll } from '../../../follow-roll.ts'
import { connectToRackKey, type RackKeyConnection } from '../../../rack-key.ts'

interface RollOptions extends GlobalOptions {
  grace: string
  wait: boolean
  json?: true
}

export const defineRoll: DefineCommand = (command, context) => {
  command
    .argument('[org/rack]', 'the Rack, if not the chosen one')
    .option('--grace <time>', 'how long the old key works beside the new: 0, 15m, 1h, 6h, 24h', '0')
    .option('--no-wait', 'begin it and return')
    .option('--json', 'print the roll as JSON at the end')
    .addHelpText(
      'after',
      '\nThe Console makes a new key, has the Rack accept it, uses it for every new request, ends the\n' +
        'old one and proves that it is refused. No request fails meanwhile, and nobody has to do anything:\n' +
        'no person holds the key. Safe to repeat: a roll that is under way is joined. A grace (to 30 days)\n' +
        'is for copies of the key that are elsewhere. Official Racks have none, and refuse some requests\n' +
        'while their tasks restart.\n' +
        '\nExamples:\n  $ convox rack key roll\n  $ convox rack key roll acme/live --grace 1h',
    )
    .action((rack: string | undefined, options: RollOptions) => roll(context, options, rack))
}

async function roll(context: Context, options: RollOptions, typed?: string): Promise<void> {
  const grace_seconds = parseGrace(options.grace)
  const connection = await connectToRackKey(context, options, typed)
  await rollKey(context, connection, { grace_seconds, wait: options.wait, json: options.json })
}

/** Begins or joins a roll, and shows it to its end. */
export async function rollKey(
  context: Context,
  connection: RackKeyConnection,
  options: { grace_seconds: number; wait: boolean; json: true | undefined },
): Promise<void> {
  const { terminal } = context
  const { grace_seconds } = options
  const answer = await connection.request('POST', `${connection.path}/roll`, {
    json: { grace_seconds },
  })
  if (answer.status === 200) terminal.note('A roll is under way already; this is how it goes')
  if (!options.wait) {
    if (options.json) terminal.printJson(JSON.parse(answer.body))
    else terminal.note(`Rolling. See how far it is: convox rack key status ${connection.rack}`)
    return
  }
  const end = await followRoll(context, connection)
  if (options.json) terminal.printJson(end)
  else terminal.print(endOfRoll(end))
}

function parseGrace(typed: string): number {
  const days = /^(\d{1,3})d$/.exec(typed)?.[1]
  const ms = days === undefined ? parseDuration(typed) : Number(days) * 86_400_000
  if (ms !== undefined && ms % 1000 === 0) return ms / 1000
  throw new UsageError(
    `--grace ${JSON.stringify(typed.slice(0, 40))} is no time in whole seconds`,
    'give it as in --grace 15m, 1h, 24h or 7d; 0 for none',
  )
}
