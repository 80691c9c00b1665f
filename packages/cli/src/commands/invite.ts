import type { DefineCommand } from '../command-table.ts'
import { connectToHost } from '../connect.ts'
import type { Context } from '../context.ts'
import { UsageError } from '../failures.ts'
import { checkedRole, ROLES } from '../member.ts'
import { connectToOrganization, type OrganizationOptions } from '../organization.ts'
import { shortTime } from '../short-time.ts'

interface InviteOptions extends OrganizationOptions {
  role?: string
  newOrganization?: true
  json?: true
}

export const defineInvite: DefineCommand = (command, context) => {
  command
    .argument('[email]', 'who alone may use the invitation; anybody who has the code if left out')
    .option('--role <role>', `${ROLES.join(', ')} (default: developer)`)
    .option('--organization <name>', 'the organization, if not that of the chosen Rack')
    .option('--new-organization', 'they bring an organization of their own (server administrator)')
    .option('--json', "print the server's answer as JSON")
    .addHelpText(
      'after',
      '\nThe code goes to stdout, everything else to stderr.\n' +
        '\nExamples:\n  $ convox invite ann@example.com --role operator\n' +
        '  $ convox invite accept',
    )
    .action((email: string | undefined, options: InviteOptions) => invite(context, options, email))
}

async function invite(
  context: Context,
  options: InviteOptions,
  email: string | undefined,
): Promise<void> {
  const { terminal } = context
  if (email !== undefined && !email.includes('@')) {
    throw new UsageError(
      `${JSON.stringify(email.slice(0, 80))} is no e-mail address`,
      'see: convox help invite',
    )
  }
  if (options.newOrganization && (options.role ?? options.organization) !== undefined) {
    throw new UsageError(
      '--new-organization makes its bringer the administrator of a new one',
      'leave out --role and --organization',
    )
  }
  const role = options.role === undefined ? undefined : checkedRole(options.role)
  const connection = options.newOrganization
    ? { ...(await connectToHost(context, options)), organization: undefined }
    : await connectToOrganization(context, options)
  const { organization } = connection
  const answer = await connection.request('POST', '/api/invitations', {
    json: { email, organization, role },
  })
  const { Invitation } = await import('@keyrack/protocol/resources')
  const raw: unknown = JSON.parse(answer.body)
  const made = Invitation.parse(raw)
  if (options.json) {
    terminal.printJson(raw)
    return
  }
  const to = organization === undefined ? 'bring an organization' : `join ${organization}`
  const as = organization === undefined ? '' : ` as ${role ?? 'developer'}`
  terminal.note(
    `An invitation for ${email ?? 'whoever has the code'} to ${to}${as}, good once, until ${shortTime(made.expires_at)}.`,
  )
  terminal.note('It is shown this once:')
  terminal.print(made.token)
  terminal.note(
    `Without an account, they open: ${made.url}\n` +
      'With an account, they run: convox invite accept, and paste the code.',
  )
}
