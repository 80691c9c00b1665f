import type { DefineCommand } from '../../command-table.ts'
import { connectToHost } from '../../connect.ts'
import { rackPath } from '../../console-racks.ts'
import type { Context, GlobalOptions } from '../../context.ts'
import { readSecret, requireSecretOrigin } from '../../read-secret.ts'
import { parseFingerprint } from '../../trust-certificate.ts'

interface TrustOptions extends GlobalOptions {
  fingerprint: string
  passwordStdin?: true
}

export const defineTrust: DefineCommand = (command, context) => {
  command
    .argument('<org/name>', 'the Rack, by its whole name')
    .requiredOption('--fingerprint <hex>', 'the SHA-256 of its new certificate')
    .option('--password-stdin', 'read your own password from stdin')
    .addHelpText(
      'after',
      '\nYou are asked for the password you sign in with on the page of the Console. The Rack has to\n' +
        'show that certificate and take the key the Console holds, or nothing changes.\n' +
        '\nExample:\n  $ convox racks trust acme/production --fingerprint ae7dcff1...',
    )
    .action((name: string, options: TrustOptions) => trust(context, name, options))
}

async function trust(context: Context, name: string, options: TrustOptions): Promise<void> {
  const { terminal } = context
  const fingerprint = parseFingerprint(options.fingerprint)
  const origin = {
    stdin: options.passwordStdin === true,
    prompt: 'Your password, the one you sign in with on the page\nPassword: ',
    command: `convox racks trust ${name} --fingerprint ${fingerprint}`,
  }
  requireSecretOrigin(context, origin)
  const connection = await connectToHost(context, options)
  const path = await rackPath(connection, name)
  const password = await readSecret(context, origin)
  const { body } = await terminal.progress(`Trusting the certificate of ${name}`, () =>
    connection.request('POST', `${path}/trust`, { json: { fingerprint, password } }),
  )
  const { RackWarning } = await import('@keyrack/protocol/resources')
  const { warning } = RackWarning.parse(JSON.parse(body))
  if (warning !== '') terminal.warn(warning)
}
