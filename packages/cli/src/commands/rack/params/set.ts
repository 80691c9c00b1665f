import type { System } from '@keyrack/protocol/resources'
import { classicParametersPath } from '../../../classic-parameters-path.ts'
import type { DefineCommand } from '../../../command-table.ts'
import { connectToRack } from '../../../connect.ts'
import type { Context, GlobalOptions } from '../../../context.ts'
import { UsageError } from '../../../failures.ts'
import { isClassic } from '../../../is-classic.ts'
import { suggest } from '../../../suggest.ts'
import { readSystem, waitForRack } from '../../../wait-for-rack.ts'

interface SetOptions extends GlobalOptions {
  wait?: true
}

const MASK = /^\*+$/

export const defineParamsSet: DefineCommand = (command, context) => {
  command
    .argument('<name=value...>', 'parameters, as convox rack params lists them')
    .option('--wait', 'wait until the Rack runs with them')
    .addHelpText(
      'after',
      '\nExamples:\n  $ convox rack params set InstanceCount=4' +
        '\n  $ convox rack params set InstanceCount=4 --wait',
    )
    .action((pairs: string[], options: SetOptions) => setParams(context, options, pairs))
}

async function setParams(
  context: Context,
  options: SetOptions,
  pairs: readonly string[],
): Promise<void> {
  const wanted = readPairs(pairs)
  const connection = await connectToRack(context, options)
  const system = await readSystem(connection)
  refuseUnknown(wanted, system)
  await context.terminal.progress('Updating parameters', () => {
    const form = Object.fromEntries(wanted)
    if (isClassic(system)) {
      return connection.request('POST', classicParametersPath(system), { form })
    }
    const parameters = new URLSearchParams(form).toString()
    return connection.request('PUT', '/system', { form: { parameters } })
  })
  if (options.wait) await waitForRack(context.terminal, connection)
}

const NEXT = 'see which there are: convox rack params'

function readPairs(pairs: readonly string[]): Map<string, string> {
  const wanted = new Map<string, string>()
  for (const pair of pairs) {
    const equals = pair.indexOf('=')
    const name = pair.slice(0, equals)
    // Not the text itself: it may be a value that somebody meant to keep.
    if (equals < 1) throw new UsageError('a parameter is given as NAME=VALUE', NEXT)
    if (/\p{Cc}/u.test(name)) {
      throw new UsageError('the name of a parameter is one plain word', NEXT)
    }
    if (wanted.has(name)) throw new UsageError(`${name} is given twice`, NEXT)
    const value = pair.slice(equals + 1)
    if (/^password$/i.test(name)) {
      throw new UsageError(
        'the Password of a Rack is its API key, which only its Console changes',
        'leave it out',
      )
    }
    if (MASK.test(value)) {
      throw new UsageError(
        `${name}=${value} is what a hidden value looks like, and would replace it`,
        'leave it out to keep the value that is there',
      )
    }
    wanted.set(name, value)
  }
  return wanted
}

/** Official Racks drop a name that they do not know, and say OK. */
function refuseUnknown(wanted: ReadonlyMap<string, string>, { parameters }: System): void {
  const known = Object.keys(parameters)
  if (known.length === 0) return
  for (const name of wanted.keys()) {
    if (known.includes(name)) continue
    const meant = suggest(name, known)
    throw new UsageError(
      `this Rack has no parameter ${name}`,
      meant === undefined ? 'see which there are: convox rack params' : `did you mean ${meant}?`,
    )
  }
}
