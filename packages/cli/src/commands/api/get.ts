import type { DefineCommand } from '../../command-table.ts'
import { connectToRack } from '../../connect.ts'
import type { Context, GlobalOptions } from '../../context.ts'
import { UsageError } from '../../failures.ts'

export const defineApiGet: DefineCommand = (command, context) => {
  command
    .argument('<path>', 'of the Rack, or of the Console where it has that path itself')
    .addHelpText(
      'after',
      '\nExamples:\n  $ convox api get /system\n  $ convox api get /system/capacity',
    )
    .action((path: string, options: GlobalOptions) => get(context, options, path))
}

async function get(context: Context, options: GlobalOptions, typed: string): Promise<void> {
  if (typed === '') throw new UsageError('which path?', 'for example: convox api get /system')
  const { KeyrackError, normalizePath } = await import('@keyrack/protocol')
  const target = typed.startsWith('/') ? typed : `/${typed}`
  try {
    normalizePath(target)
  } catch (error) {
    if (!(error instanceof KeyrackError)) throw error
    throw new UsageError(error.message, 'for example: convox api get /system')
  }
  const connection = await connectToRack(context, options)
  const { body } = await connection.request('GET', target)
  const json = parsed(body)
  if (json !== undefined) context.terminal.printJson(json)
  else if (body !== '') context.terminal.print(body.replace(/\n$/, ''))
}

/** Undefined when it is no JSON: official Racks answer `ok` to some paths. */
function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
