import { KeyrackError } from '@keyrack/protocol'
import type { Answer } from '@keyrack/protocol/client'
import type { DefineCommand } from '../../command-table.ts'
import { type Connection, connectToHost } from '../../connect.ts'
import { consoleRacks, parseWholeName, type WholeName } from '../../console-racks.ts'
import type { Context } from '../../context.ts'
import { Failure, UsageError } from '../../failures.ts'
import { checkedRackName, rackName } from '../../rack-name.ts'
import { readSecret, requireSecretOrigin } from '../../read-secret.ts'
import { parseFingerprint } from '../../trust-certificate.ts'
import { rollKey } from '../rack/key/roll.ts'

interface AddOptions {
  host: string
  passwordStdin?: true
  fingerprint?: string
  takeOver?: true
}

export const defineAdd: DefineCommand = (command, context) => {
  command
    .argument('<org/name>', 'the name it shall have in the Console')
    .requiredOption('--host <host>', 'where the Rack is, as the Console reaches it', oneHost)
    .option('--password-stdin', "read the Rack's key from stdin")
    .option('--fingerprint <hex>', 'the SHA-256 of the certificate of the Rack')
    .option('--take-over', 'take the Rack from the Console that holds it')
    .addHelpText(
      'after',
      '\nThe Console asks the Rack before anything is saved, and keeps the key sealed. An administrator\n' +
        'of the organization adds Racks. The Console is the one you are logged in to, or CONVOX_HOST.\n' +
        'Whoever installed the Rack has a copy of its key: roll it, and the copy stops working.\n' +
        '\nExamples:\n  $ convox racks add acme/production --host rack.example.com\n' +
        '  $ convox racks add acme/lab --host 192.0.2.7:5443 --password-stdin < key-file',
    )
    .action((name: string, options: AddOptions) => add(context, name, options))
}

/** A `--host` before the command means the Console elsewhere: better no guess where a key goes. */
function oneHost(host: string, before: string | undefined): string {
  if (before === undefined) return host
  throw new UsageError(
    '--host was given twice; here it is where the Rack is',
    'choose the Console with CONVOX_HOST',
  )
}

async function add(context: Context, typed: string, options: AddOptions): Promise<void> {
  const { terminal } = context
  const name = parseWholeName(typed)
  const given =
    options.fingerprint === undefined ? undefined : parseFingerprint(options.fingerprint)
  const origin = {
    stdin: options.passwordStdin === true,
    prompt: `Paste the key of the Rack at ${options.host}\nPassword: `,
    command: `convox racks add ${typed} --host ${options.host}`,
  }
  requireSecretOrigin(context, origin)
  const connection = await connectToHost(context, {})
  if ((await consoleRacks(connection)).includes(typed)) {
    throw new Failure(`there is a Rack ${typed} already`, 'see which there are: convox racks')
  }
  const key = (await readSecret(context, origin)).trim()
  if (key === '') throw new Failure('no key was given', 'give the one the Rack was installed with')

  const send = (fingerprint?: string) =>
    request(connection, name, {
      ...{ host: options.host, key, fingerprint },
      ...(options.takeOver ? { take_over: true } : {}),
    })
  const sendKnown = (fingerprint: string) =>
    terminal.progress(`Adding ${typed}`, () => send(fingerprint))
  const { body } =
    given !== undefined
      ? await sendKnown(given)
      : await send().catch(async (error: unknown) => {
          const shown = error instanceof KeyrackError ? error.fingerprint : undefined
          if (shown === undefined) throw error
          await accept(context, options.host, shown, origin.command)
          return sendKnown(shown)
        })
  const { RackSummary, RackWarning } = await import('@keyrack/protocol/resources')
  const added = checkedRackName(rackName(RackSummary.parse(JSON.parse(body))), 'the Console')
  terminal.print(`Added ${added}`)
  const { warning } = RackWarning.parse(JSON.parse(body))
  if (warning !== '') terminal.warn(warning)
  terminal.note(`Use it: convox switch ${added}`)
  if (takesTwoKeys(JSON.parse(body))) await offerRoll(context, connection, added)
}

/** One of our own Racks, as the Console says. */
function takesTwoKeys(answer: unknown): boolean {
  return (
    typeof answer === 'object' &&
    answer !== null &&
    'two_keys' in answer &&
    answer.two_keys === true
  )
}

/** The installer's copy of the key is good for everything until the key is rolled. */
async function offerRoll(context: Context, connection: Connection, rack: string): Promise<void> {
  const { terminal } = context
  const asked =
    'Whoever installed this Rack has its key. Roll it now, so that the copy stops working?'
  if (!terminal.canAsk || !(await terminal.confirm(asked))) {
    terminal.note(`Its installer still has the key; end that copy: convox rack key roll ${rack}`)
    return
  }
  const path = `/api/racks/${rack}/key`
  const options = { grace_seconds: 0, wait: true, json: undefined }
  await rollKey(context, { ...connection, rack, path }, options)
}

function request(
  connection: Connection,
  name: WholeName,
  rack: { host: string; key: string; fingerprint: string | undefined; take_over?: boolean },
): Promise<Answer> {
  return connection.request('POST', '/api/racks', { json: { ...name, ...rack } })
}

/** What the Console saw, for a person to compare; without one nothing is accepted. */
async function accept(
  { terminal }: Context,
  host: string,
  fingerprint: string,
  command: string,
): Promise<void> {
  const asked = `No certificate authority vouches for ${host}. The Console sees the fingerprint\n  SHA-256 ${fingerprint}`
  if (!terminal.canAsk) {
    throw new Failure(
      `${asked}\nand there is no terminal to ask whether that is right`,
      `compare it, then run: ${command} --password-stdin --fingerprint ${fingerprint}`,
    )
  }
  if (await terminal.confirm(`${asked}\nTrust this certificate?`)) return
  throw new Failure(
    `the certificate of ${host} was not accepted; nothing was sent to it or saved`,
    `ask the owner of the Rack for its fingerprint, then run: ${command} --fingerprint HEX`,
  )
}
