import { randomUUID } from 'node:crypto'
import { Secret } from '@keyrack/secrets/secret'
import type { DefineCommand } from '../../command-table.ts'
import { saveKey } from '../../config-folder/login-state.ts'
import { type Connection, connectToHost } from '../../connect.ts'
import type { Context, GlobalOptions } from '../../context.ts'
import { Failure } from '../../failures.ts'
import { fetchRacks } from '../../list-racks.ts'
import { readSecret, requireSecretOrigin } from '../../read-secret.ts'
import { findInstalledTarget } from '../../target.ts'

interface RollOptions extends GlobalOptions {
  passwordStdin?: true
  rollId?: string
  email?: string
}

const TRIES = 3
/** What a network, or a server in front of the Console, makes of an answer that did not arrive. */
const NO_ANSWER: ReadonlySet<string> = new Set(['rack-unreachable', 'rack-broken', 'timeout'])

export const defineRoll: DefineCommand = (command, context) => {
  command
    .option('--password-stdin', 'read the password of your account from stdin')
    .option('--roll-id <id>', 'ask again for the key of a roll whose answer was lost')
    .option('--email <address>', 'with --roll-id: of your account')
    .addHelpText(
      'after',
      '\nYour API key at the Console is replaced and the new one stored here; the old one is refused\n' +
        'at once, and so is every access token that you made. Asks for the password you sign in with.\n' +
        '\nExamples:\n  $ convox auth roll\n  $ convox auth roll --password-stdin < password-file',
    )
    .action((options: RollOptions) => roll(context, options))
}

async function roll(context: Context, options: RollOptions): Promise<void> {
  const { terminal, folder } = context
  const prompt = 'The password you sign in with on the page\nPassword: '
  const origin = { stdin: options.passwordStdin === true, prompt, command: 'convox auth roll' }
  requireSecretOrigin(context, origin)
  const connection = await connectToHost(context, options)
  const { host, keySource } = connection.target
  if (findInstalledTarget(context, options) !== undefined) throw notAtRack()
  if (keySource !== 'file') {
    throw new Failure(
      `the key is from ${keySource}, where no new one can be stored`,
      'run it where you are logged in, or use Account > API key on the page',
    )
  }
  const email = options.email ?? (await ownEmail(connection))
  const rollId = options.rollId ?? randomUUID()
  const password = (await readSecret(context, origin)).trim()
  if (password === '') throw new Failure('no password was given', 'it is the one of your account')
  const key = await terminal.progress(`Rolling your key at ${host.name}`, async () => {
    const key = await ask(connection, { roll: rollId, email, password })
    // The old one works no more: nothing is said before the new one is on the disk.
    await saveKey(folder, host.name, key)
    return key
  })
  terminal.note(
    `Your key ends in ${key.reveal().slice(-4)}; log in again elsewhere with a new login`,
  )
}

/**
 * By e-mail and password, not by the key: once the key is replaced the same request has to be
 * answered again. With its roll id it makes one key, however often it is sent.
 */
async function ask(
  { target }: Connection,
  body: { roll: string; email: string; password: string },
): Promise<Secret> {
  const { createClient } = await import('@keyrack/protocol/client')
  const { ownVersion } = await import('../../version.ts')
  const client = createClient({
    url: target.host.url,
    version: ownVersion(),
    ...(target.pin === undefined ? {} : { pin: target.pin }),
  })
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { body: text } = await client.request('POST', '/api/account/api-key', { json: body })
      const { NewApiKey } = await import('@keyrack/protocol/resources')
      return Secret.of(NewApiKey.parse(JSON.parse(text)).api_key)
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error)) throw error
      if (!NO_ANSWER.has(String(error.code))) throw error
      if (attempt < TRIES) continue
      throw new Failure(
        `${error.message}; the key may have been replaced already`,
        `run: convox auth roll --roll-id ${body.roll} --email ${body.email}`,
        error,
      )
    }
  }
}

async function ownEmail(connection: Connection): Promise<string> {
  if ((await fetchRacks(connection)) === undefined) throw notAtRack()
  const { OwnAccount } = await import('@keyrack/protocol/resources')
  const { email } = await connection.get('/api/account', (value) => OwnAccount.parse(value))
  if (email !== '') return email
  throw new Failure('a deploy key is no person’s', 'see: convox deploy-keys')
}

function notAtRack(): Failure {
  return new Failure(
    'only a Console has keys of persons',
    'for the key of a Rack: convox rack key roll, or convox rack reset-key on its machine',
  )
}
