import type { DefineCommand } from '../../command-table.ts'
import { connectToRack } from '../../connect.ts'
import type { Context, GlobalOptions } from '../../context.ts'
import { codeOf } from '../../error-code.ts'
import { EndWith, Failure, UsageError } from '../../failures.ts'
import { instancePath } from '../../instance-path.ts'
import { isClassic } from '../../is-classic.ts'
import { joinRemoteCommand } from '../../remote-command.ts'
import { readSystem } from '../../wait-for-rack.ts'

const PIPE_IT = 'pipe a script in instead: convox instances ssh ID sh < script'

export const defineSsh: DefineCommand = (command, context) => {
  command
    .argument('<id>', 'an instance, as convox instances lists it')
    .argument('[command...]', 'what to run there; a shell if not given')
    .addHelpText(
      'after',
      '\nEnds with the status of the remote command.\n' +
        '\nExamples:\n  $ convox instances ssh i-1\n  $ convox instances ssh i-1 df -h',
    )
    .action((id: string, words: string[], options: GlobalOptions) =>
      ssh(context, options, id, words),
    )
}

async function ssh(
  context: Context,
  options: GlobalOptions,
  id: string,
  words: readonly string[],
): Promise<void> {
  const path = instancePath(id)
  const headers = shellHeaders(context, words[0] === '--' ? words.slice(1) : words)
  const connection = await connectToRack(context, options)
  const opening = isClassic(await readSystem(connection))
    ? connection.stream(`${path}/ssh`, classicHeaders(headers), { endUnsaid: true })
    : connection.stream(`${path}/shell`, headers)
  const stream = await opening.catch((error: unknown) => {
    if (codeOf(error) !== 'too-large' || !(error instanceof Error)) throw error
    throw new Failure(error.message, PIPE_IT, error)
  })
  const status = await joinRemoteCommand(context.terminal, stream, connection.target)
  if (status !== 0) throw new EndWith(status)
}

/** Options travel as headers (protocol.md 7.1); a size asks for a terminal on the other side. */
function shellHeaders({ terminal }: Context, words: readonly string[]): Record<string, string> {
  const { size } = terminal
  const command = words.join(' ')
  if (/\p{Cc}/u.test(command)) {
    throw new UsageError('a command may not hold line breaks', PIPE_IT)
  }
  return {
    ...(command === '' ? {} : { Command: command }),
    ...(size === undefined ? {} : { Height: String(size.rows), Width: String(size.columns) }),
  }
}

/** The first generation makes a terminal where its kind is said, not where its size is. */
function classicHeaders(headers: Record<string, string>): Record<string, string> {
  return 'Height' in headers ? { ...headers, Terminal: 'xterm' } : headers
}
