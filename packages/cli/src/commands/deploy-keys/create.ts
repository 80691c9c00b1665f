import { DEPLOY_COMMANDS } from '@keyrack/protocol'
import type { DefineCommand } from '../../command-table.ts'
import type { Context } from '../../context.ts'
import { UsageError } from '../../failures.ts'
import { connectToOrganization, type OrganizationOptions } from '../../organization.ts'
import { shortTime } from '../../short-time.ts'

interface CreateOptions extends OrganizationOptions {
  expires: string
  json?: true
}

export const defineCreate: DefineCommand = (command, context) => {
  command
    .argument('<name>', 'what uses it, like github-actions')
    .option('--expires <days>', 'days until it expires, like 30d, or never', '90d')
    .option('--organization <name>', 'the organization, if not that of the chosen Rack')
    .option('--json', "print the server's answer as JSON, the key included")
    .addHelpText(
      'after',
      `\nThe key goes to stdout, everything else to stderr; it is shown this once.\n` +
        `It is good for: ${DEPLOY_COMMANDS.join(', ')}.\n` +
        '\nExamples:\n  $ convox deploy-keys create github-actions\n' +
        '  $ convox deploy-keys create nightly --expires 30d > key-file',
    )
    .action((name: string, options: CreateOptions) => create(context, options, name))
}

async function create(context: Context, options: CreateOptions, name: string): Promise<void> {
  const { terminal } = context
  const expires_in_days = parseDays(options.expires)
  const connection = await connectToOrganization(context, options)
  const path = `${connection.path}/deploy-keys`
  const answer = await connection.request('POST', path, { json: { name, expires_in_days } })
  const raw: unknown = JSON.parse(answer.body)
  const { CreatedDeployKey } = await import('@keyrack/protocol/resources')
  const made = CreatedDeployKey.parse(raw)
  if (options.json) {
    terminal.printJson(raw)
    return
  }
  const until = made.expires_at === '' ? 'never expires' : `expires ${shortTime(made.expires_at)}`
  terminal.note(
    `Deploy key ${made.name} of ${connection.organization}, ${until}. It is shown this once:`,
  )
  terminal.print(made.key)
  const { host, pin } = connection.target
  // Where no certificate authority vouches for the Console, CI has to be told its certificate.
  const login = pin === undefined ? '' : `  convox login ${host.name} --fingerprint ${pin}\n`
  terminal.note(
    'In CI, set CONVOX_PASSWORD to it (as a secret) and:\n' +
      `  export CONVOX_HOST=${host.name}\n${login}` +
      `It is good for: ${DEPLOY_COMMANDS.join(', ')}.`,
  )
}

/** Null: never. How many days are possible is the server's to say. */
function parseDays(typed: string): number | null {
  if (typed.trim().toLowerCase() === 'never') return null
  const days = /^([1-9]\d{0,5})d?$/i.exec(typed.trim())?.[1]
  if (days !== undefined) return Number(days)
  throw new UsageError(
    `--expires ${JSON.stringify(typed.slice(0, 40))} is no number of days`,
    'give it as in --expires 30d, or --expires never',
  )
}
