import { inspectApiKey } from '@keyrack/secrets/api-key'
import { equalSecrets } from '@keyrack/secrets/constant-time'
import { Secret } from '@keyrack/secrets/secret'
import type { Context } from './context.ts'
import { Failure, UsageError } from './failures.ts'

export interface KeyOptions {
  password?: string
  passwordStdin?: true
}

/** Where the key of a login comes from; never from the keys already stored. */
export type KeyOrigin = 'flag' | 'stdin' | 'environment' | 'prompt'

/** Decides without asking or reading anything, so that a hopeless login fails at once. */
export function findKeyOrigin(context: Context, options: KeyOptions, host: string): KeyOrigin {
  const { terminal, environment } = context
  const stdin = options.passwordStdin === true || options.password === '-'
  if (stdin && options.password !== undefined && options.password !== '-') {
    throw new UsageError('--password and --password-stdin were both given', 'give one')
  }
  if (stdin) return 'stdin'
  if (options.password !== undefined) return 'flag'
  if (environment.password !== undefined) return 'environment'
  if (terminal.canAsk) return 'prompt'
  throw new Failure(
    'there is no terminal to ask for the key',
    `pipe it in: convox login ${host} --password-stdin`,
  )
}

export async function readKey(
  context: Context,
  options: KeyOptions,
  origin: KeyOrigin,
  host: string,
): Promise<Secret> {
  const typed = await typedKey(context, options, origin)
  checkKey(typed, host)
  const { password } = context.environment
  if (password !== undefined && !equalSecrets(password.reveal(), typed)) {
    throw new Failure(
      'CONVOX_PASSWORD is set to another key, and commands would use that one',
      `run: unset CONVOX_PASSWORD, then: convox login ${host}`,
    )
  }
  return Secret.of(typed)
}

async function typedKey(
  { terminal, environment }: Context,
  options: KeyOptions,
  origin: KeyOrigin,
): Promise<string> {
  if (origin === 'environment') return environment.password?.reveal() ?? ''
  if (origin === 'flag') {
    terminal.warn(
      'other users of this machine can see a key on the command line; use --password-stdin',
    )
    return (options.password ?? '').trim()
  }
  // Somebody who types at --password-stdin should not see the key either.
  if (origin === 'stdin' && !(terminal.stdinIsTerminal && terminal.canAsk)) {
    return (await terminal.readInput()).trim()
  }
  const prompt = 'Paste your Console API key (Account > API key)\nPassword: '
  return (await terminal.askSecret(prompt)).trim()
}

const KEY_BYTES_MAX = 2048

/** Refuses what no server can accept, before anything is sent. No message quotes the text. */
function checkKey(text: string, host: string): void {
  const again = `copy it again from Account > API key, then run: convox login ${host}`
  if (text === '') throw new Failure('no key was given', again)
  if (Buffer.byteLength(text) > KEY_BYTES_MAX) {
    throw new Failure(`this is much longer (${text.length} characters) than any API key`, again)
  }
  const found = inspectApiKey(text)
  if ('problem' in found && found.problem === 'checksum') {
    throw new Failure('this key is cut or mistyped: its checksum does not match', again)
  }
  if (/\p{Cc}/u.test(text))
    throw new Failure('this is not one key: it has line breaks in it', again)
}
