import type { DefineCommand } from '../../command-table.ts'
import { type Connection, connectToRack } from '../../connect.ts'
import type { Context, GlobalOptions } from '../../context.ts'
import { Failure, UsageError } from '../../failures.ts'
import { findInstalledTarget, findRack } from '../../target.ts'
import { readSystem } from '../../wait-for-rack.ts'

interface AccessOptions extends GlobalOptions {
  role?: string
  durationInHours?: string
}

const HOURS_MAX = 8_760

export const defineAccess: DefineCommand = (command, context) => {
  command
    .option('--role <role>', 'read, or write')
    .option('--duration-in-hours <hours>', `how long it is good for, 1 to ${HOURS_MAX}`)
    .addHelpText(
      'after',
      '\nPrints RACK_URL with a token in the place of the key; keep it as a secret. A read token sees\n' +
        'what the Rack shows and neither changes anything nor opens shells; no token reaches keys or\n' +
        'other tokens.\n' +
        '\nExamples:\n  $ convox rack access --role read --duration-in-hours 24\n' +
        '  $ export "$(convox rack access --role write --duration-in-hours 1)"',
    )
    .action((options: AccessOptions) => access(context, options))
}

async function access(context: Context, options: AccessOptions): Promise<void> {
  const { role, durationInHours: hours } = options
  if (role === undefined) throw new UsageError('role is required', 'give --role read or write')
  if (role !== 'read' && role !== 'write') {
    throw new UsageError('there is no such role', 'give --role read or write')
  }
  if (hours === undefined) {
    throw new UsageError('duration is required', 'give it as in --duration-in-hours 24')
  }
  if (!/^[1-9]\d{0,3}$/.test(hours) || Number(hours) > HOURS_MAX) {
    throw new UsageError(
      '--duration-in-hours is a whole number of hours',
      `give one from 1 to ${HOURS_MAX}`,
    )
  }
  const connection = await connectToRack(context, options)
  const domain = await domainOf(context, options, connection)
  if (!/^[\w.:[\]-]+$/.test(domain)) {
    throw new Failure('this Rack does not say where it is reached', 'see: convox rack --json')
  }
  const form = { role, durationInHour: hours }
  const answer = await connection.request('POST', '/system/jwt/token', { form })
  const { AccessToken } = await import('@keyrack/protocol/key-resources')
  const { data } = AccessToken.safeParse(JSON.parse(answer.body))
  // Official v2 Racks answer an empty one for a role that they do not know.
  if (data === undefined || !/^[\w.-]+$/.test(data.token)) {
    throw new Failure('this Rack gave no token', 'see what it can do: convox rack')
  }
  context.terminal.print(`RACK_URL=https://jwt:${data.token}@${domain}`)
}

/** Logged in to the Rack itself, the address that works from here; its certificate is known by that. */
async function domainOf(
  context: Context,
  options: GlobalOptions,
  connection: Connection,
): Promise<string> {
  const { name } = connection.target.host
  if (findInstalledTarget(context, options) !== undefined) return name
  const direct = findRack(context, options, name) === undefined
  return direct ? name : (await readSystem(connection))['rack-domain']
}
