import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { KeyrackError } from '@keyrack/protocol'
import { createClient } from '@keyrack/protocol/client'
import type { Secret } from '@keyrack/secrets'
import { createLogger } from '@keyrack/server'
import { resetPassword } from '../accounts/reset-password.ts'
import { type ConsoleConfig, readConfig } from '../config.ts'
import { newId } from '../new-id.ts'
import { type Closing, openContext } from '../open-context.ts'
import { type OperatorAccess, readOperatorAccess } from '../operator/operator-access.ts'
import { PASSWORD_RESET } from '../operator/operator-routes.ts'
import { VERSION } from '../version.ts'
import { askPassword, readPassword } from './ask-password.ts'
import { noMoreArguments } from './no-more-arguments.ts'
import { consoleFolder, isRunning } from './running-console.ts'

const FROM_STDIN = '--password-stdin'

/** Through the running server, which ends the sessions it knows; on the database when there is none. */
export async function resetPasswordCommand(args: readonly string[]): Promise<number> {
  const [email, ...more] = args.filter((word) => word !== FROM_STDIN)
  noMoreArguments(more)
  if (email === undefined || !email.includes('@')) {
    throw new KeyrackError('invalid', 'say whose password: keyrack-console reset-password EMAIL')
  }
  const config = readConfig({ env: process.env })
  const folder = consoleFolder(config)
  if (config.databaseUrl === undefined && !existsSync(join(folder, 'db'))) {
    throw new KeyrackError('not-found', `there is no Console in ${config.dataDir}`, {
      hint: 'set DATA_DIR as for the server',
    })
  }
  const password = args.includes(FROM_STDIN) ? await readPassword() : await askPassword()
  if (isRunning(folder)) await throughServer(accessTo(folder), email, password)
  else await onDatabase(config, email, password)
  process.stdout.write(
    `${email} has a new password, and every session of that account has ended.\n` +
      'Its API key still works; to replace it, sign in and choose Account > Regenerate.\n',
  )
  return 0
}

function accessTo(folder: string): OperatorAccess {
  const access = readOperatorAccess(folder)
  if (access !== undefined) return access
  throw new KeyrackError('not-ready', `the server that uses ${folder} is not ready for commands`, {
    hint: 'try again in a moment; if it stays so, stop the server and run this again',
  })
}

async function throughServer(
  { port, token }: OperatorAccess,
  email: string,
  password: Secret,
): Promise<void> {
  const url = `http://127.0.0.1:${port}`
  const client = createClient({ url, password: token, version: VERSION })
  const json = { email, password: password.reveal() }
  await client.request(PASSWORD_RESET.method, PASSWORD_RESET.path, { json })
}

async function onDatabase(config: ConsoleConfig, email: string, password: Secret): Promise<void> {
  const closing: Closing = []
  try {
    const log = createLogger({ name: 'console', level: 'error' })
    const context = await openContext(config, log, closing)
    const request = { requestId: newId(), address: '127.0.0.1' }
    await resetPassword(context, { email, password }, request)
  } finally {
    for (const close of closing.reverse()) await close()
  }
}
