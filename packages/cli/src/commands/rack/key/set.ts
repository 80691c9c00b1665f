import type { DefineCommand } from '../../../command-table.ts'
import type { Context, GlobalOptions } from '../../../context.ts'
import { Failure } from '../../../failures.ts'
import { connectToRackKey } from '../../../rack-key.ts'
import { readSecret, requireSecretOrigin } from '../../../read-secret.ts'

interface SetOptions extends GlobalOptions {
  passwordStdin?: true
}

export const defineSet: DefineCommand = (command, context) => {
  command
    .argument('[org/rack]', 'the Rack, if not the chosen one')
    .option('--password-stdin', "read the Rack's key from stdin")
    .addHelpText(
      'after',
      '\nFor a key that was changed without this Console, as by convox rack reset-key on the host of the\n' +
        'Rack. The Rack has to accept it before anything is saved. Roll it afterwards: whoever typed it\n' +
        'has seen it.\n\nExample:\n  $ convox rack key set acme/live',
    )
    .action((rack: string | undefined, options: SetOptions) => set(context, options, rack))
}

async function set(context: Context, options: SetOptions, typed?: string): Promise<void> {
  const origin = {
    stdin: options.passwordStdin === true,
    prompt: 'Paste the key that the Rack takes now\nPassword: ',
    command: `convox rack key set${typed === undefined ? '' : ` ${typed}`}`,
  }
  requireSecretOrigin(context, origin)
  const connection = await connectToRackKey(context, options, typed)
  const key = (await readSecret(context, origin)).trim()
  if (key === '') throw new Failure('no key was given', 'paste the one that the Rack takes now')
  const { terminal } = context
  await terminal.progress(`Trying the key at ${connection.rack}`, () =>
    connection.request('POST', `${connection.path}/set`, { json: { key } }),
  )
  terminal.note(`You have seen this key; make it a secret: convox rack key roll ${connection.rack}`)
}
