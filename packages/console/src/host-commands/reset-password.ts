import { KeyrackError } from '@keyrack/protocol'
import { resetPassword } from '../accounts/reset-password.ts'
import { readConfig } from '../config.ts'
import { PASSWORD_RESET } from '../operator/operator-routes.ts'
import { askPassword, readPassword } from './ask-password.ts'
import { askServer } from './ask-server.ts'
import { noMoreArguments } from './no-more-arguments.ts'
import { onDatabase, requireConsole } from './on-database.ts'
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
  requireConsole(config)
  const password = args.includes(FROM_STDIN) ? await readPassword() : await askPassword()
  if (isRunning(folder)) {
    await askServer(folder, PASSWORD_RESET, { email, password: password.reveal() })
  } else {
    await onDatabase(config, (context, request) =>
      resetPassword(context, { email, password }, request),
    )
  }
  process.stdout.write(
    `${email} has a new password, and every session of that account has ended.\n` +
      'Its API key still works; to replace it, sign in and choose Account > API Key > Regenerate API Key.\n',
  )
  return 0
}
