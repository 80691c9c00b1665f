import type { DefineCommand } from '../../command-table.ts'
import { connectToHost } from '../../connect.ts'
import type { Context } from '../../context.ts'
import { Failure } from '../../failures.ts'
import { checkedOrganization, type OrganizationOptions } from '../../organization.ts'

export const defineAccept: DefineCommand = (command, context) => {
  command
    .option('--organization <name>', 'the name of a new organization, if the invitation is to one')
    .addHelpText(
      'after',
      '\nThe code, or the link it came in, is asked for; without a terminal it is read from stdin.\n' +
        '\nExamples:\n  $ convox invite accept\n  $ convox invite accept < code-file',
    )
    .action((options: OrganizationOptions) => accept(context, options))
}

const CODE_MAX = 4096

async function accept(context: Context, options: OrganizationOptions): Promise<void> {
  const { terminal } = context
  const organization =
    options.organization === undefined ? undefined : checkedOrganization(options.organization)
  const connection = await connectToHost(context, options)
  const invitation = await readCode(context)
  const answer = await connection.request('POST', '/api/invitations/accept', {
    json: { invitation, organization },
  })
  const { Accepted } = await import('@keyrack/protocol/resources')
  const joined = Accepted.parse(JSON.parse(answer.body))
  terminal.print(`You are in ${joined.organization.name} now, as ${joined.role}`)
}

/** Not an argument: whoever sees the list of processes could be first to use it. */
async function readCode({ terminal }: Context): Promise<string> {
  const typed = terminal.stdinIsTerminal
    ? await terminal.askSecret('Invitation code: ')
    : await terminal.readInput()
  const code = typed.trim()
  if (code === '') {
    throw new Failure(
      'no invitation code was given',
      'pipe it in: convox invite accept < code-file',
    )
  }
  if (code.length > CODE_MAX) throw new Failure('this is much longer than an invitation code')
  return code
}
