import type { DefineCommand } from '../../command-table.ts'
import type { Connection } from '../../connect.ts'
import type { Context, GlobalOptions } from '../../context.ts'
import { Failure, UsageError } from '../../failures.ts'
import { connectToAccess } from '../../rack-access.ts'
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
        'other tokens. Through a Console only administrators make them, and each ends with who made it.\n' +
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
  const connection = await connectToAccess(context, options)
  const made =
    connection.path === undefined
      ? await madeByRack(context, options, connection, { role, hours })
      : await madeByConsole(connection, connection.path, { role, hours })
  if (!/^[\w.:[\]-]+$/.test(made.host)) {
    throw new Failure('this Rack does not say where it is reached', 'see: convox rack --json')
  }
  // Official v2 Racks answer an empty one for a role that they do not know.
  if (!/^[\w.-]+$/.test(made.token)) {
    throw new Failure('this Rack gave no token', 'see what it can do: convox rack')
  }
  context.terminal.print(`RACK_URL=https://jwt:${made.token}@${made.host}`)
  if (made.fingerprint != null) {
    context.terminal.note(`${made.host} shows the certificate SHA-256 ${made.fingerprint}`)
  }
}

interface Wanted {
  role: 'read' | 'write'
  hours: string
}

interface Made {
  token: string
  /** Where the Rack itself is reached. */
  host: string
  fingerprint?: string | null
}

async function madeByConsole(
  connection: Connection,
  path: string,
  { role, hours }: Wanted,
): Promise<Made> {
  const json = { role, duration_in_hours: Number(hours) }
  const answer = await connection.request('POST', path, { json })
  const { ConsoleAccessToken } = await import('@keyrack/protocol/key-resources')
  return ConsoleAccessToken.parse(JSON.parse(answer.body))
}

async function madeByRack(
  context: Context,
  options: GlobalOptions,
  connection: Connection,
  { role, hours }: Wanted,
): Promise<Made> {
  const host = await domainOf(context, options, connection)
  const form = { role, durationInHour: hours }
  const answer = await connection.request('POST', '/system/jwt/token', { form })
  const { AccessToken } = await import('@keyrack/protocol/key-resources')
  const { data } = AccessToken.safeParse(JSON.parse(answer.body))
  return { token: data?.token ?? '', host }
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
