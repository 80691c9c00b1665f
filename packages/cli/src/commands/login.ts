import type { DefineCommand } from '../command-table.ts'
import { readChosenRack, readKeys, readPin, saveLogin } from '../config-folder/login-state.ts'
import { type Connection, connectTo } from '../connect.ts'
import type { Context, GlobalOptions } from '../context.ts'
import { Failure, NotLoggedIn, UsageError } from '../failures.ts'
import { type Host, parseHost } from '../host.ts'
import { fetchRacks } from '../list-racks.ts'
import { findKeyOrigin, type KeyOptions, readKey } from '../login-key.ts'
import { checkedRackName, pickRack, rackName } from '../rack-name.ts'
import { rackOverride } from '../target.ts'
import { parseFingerprint, trustCertificate } from '../trust-certificate.ts'
import { proveKey, whoAmI } from '../who-am-i.ts'

interface LoginOptions extends GlobalOptions, KeyOptions {
  fingerprint?: string
}

export const defineLogin: DefineCommand = (command, context) => {
  command
    .argument('<host>', 'a Console, or a Rack to log in to directly')
    .option('-p, --password <key>', 'the API key; others can see it, prefer --password-stdin')
    .option('--password-stdin', 'read the API key from stdin (also: --password -)')
    .option('--fingerprint <hex>', 'the SHA-256 of the certificate that is to be trusted')
    .addHelpText(
      'after',
      '\nExamples:\n  $ convox login console.example.com\n' +
        '  $ convox login localhost:3443 --password-stdin < key-file',
    )
    .action((host: string, options: LoginOptions) => login(context, options, host))
}

/** Nothing is stored before the server has accepted the key. */
async function login(context: Context, options: LoginOptions, typed: string): Promise<void> {
  const { terminal, folder } = context
  if (options.host !== undefined) throw new UsageError('two hosts were given', 'give one')
  const host = parseHost(typed)
  const given =
    options.fingerprint === undefined ? undefined : parseFingerprint(options.fingerprint)
  refuseOverride(context, host)
  readKeys(folder)
  const stored = given === undefined ? readPin(folder, host.name) : undefined
  const origin = findKeyOrigin(context, options, host.name)

  const pin = await trustCertificate(context, host, { given, stored })
  const key = await readKey(context, options, origin, host.name)
  const connection = await connectTo(context, { host, key, keySource: 'file', pin })
  await terminal.progress(`Authenticating with ${host.name}`, () => prove(connection))
  const [account, rack] = [await whoAmI(connection), await selectRack(context, options, connection)]
  await saveLogin(folder, { host: host.name, key, pin, rack })

  terminal.print(`Logged in to ${host.name}${account === undefined ? '' : ` as ${account}`}`)
  if (rack === undefined) terminal.note('Choose a Rack: convox switch ORG/RACK')
  else if (rack !== host.name) terminal.print(`Rack ${rack}`)
  const override = rackOverride(context)
  if (override !== undefined) terminal.warn(`${override} chooses the Rack here`)
}

/** A login that later commands would not use is a trap. */
function refuseOverride({ environment }: Context, host: Host): void {
  const { rackUrl } = environment
  if (rackUrl !== undefined) {
    throw new Failure('RACK_URL is set, and commands would use that', 'run: unset RACK_URL')
  }
  if (environment.host === undefined) return
  const other = parseHost(environment.host).name
  if (other === host.name) return
  const next = `run: unset CONVOX_HOST, then: convox login ${host.name}`
  throw new Failure(`CONVOX_HOST is set to ${other}, and commands would go there`, next)
}

async function prove(connection: Connection): Promise<void> {
  try {
    await proveKey(connection)
  } catch (error) {
    if (!(error instanceof NotLoggedIn)) throw error
    const { name } = connection.target.host
    throw new Failure(
      `${name} does not accept this key: ${error.message}`,
      `copy it again from Account > API key, then run: convox login ${name}`,
      error,
    )
  }
}

/** The Rack that later commands go to; the host itself where it is a Rack, or has none. */
async function selectRack(
  context: Context,
  options: LoginOptions,
  connection: Connection,
): Promise<string | undefined> {
  const host = connection.target.host.name
  const before = readChosenRack(context.folder, host)
  let names: string[]
  try {
    const fetched = await fetchRacks(connection)
    if (fetched === undefined) return host
    names = fetched.racks.map((entry) => checkedRackName(rackName(entry), host))
  } catch (error) {
    if (options.rack !== undefined) throw error
    const why = error instanceof Error ? error.message : String(error)
    context.terminal.warn(`the list of Racks could not be read: ${why}`)
    return before
  }
  if (options.rack !== undefined) return pickRack(options.rack, names)
  if (names.length === 0) return host
  if (names.length === 1) return names[0]
  return before !== undefined && names.includes(before) ? before : undefined
}
