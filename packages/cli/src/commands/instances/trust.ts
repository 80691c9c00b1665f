import type { HostKeyStatus } from '@keyrack/protocol/resources'
import type { DefineCommand } from '../../command-table.ts'
import { connectToRack } from '../../connect.ts'
import type { Context, GlobalOptions } from '../../context.ts'
import { Failure, UsageError } from '../../failures.ts'
import { instancePath } from '../../instance-path.ts'

interface TrustOptions extends GlobalOptions {
  fingerprint?: string
  force?: true
}

export const defineTrust: DefineCommand = (command, context) => {
  command
    .argument('<id>', 'an instance, as convox instances lists it')
    .option('--fingerprint <SHA256:…>', 'accept this host key and no other; do not ask')
    .option('--force', 'accept what it shows now; do not ask')
    .addHelpText(
      'after',
      '\nThe Rack remembers the SSH host key of each instance and sends nothing to one that shows\n' +
        'another. Compare what is shown here with: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\n' +
        'on the instance itself.\n' +
        '\nExample:\n  $ convox instances trust i-1',
    )
    .action((id: string, options: TrustOptions) => trust(context, options, id))
}

async function trust(context: Context, options: TrustOptions, id: string): Promise<void> {
  const { terminal } = context
  const path = instancePath(id)
  const wanted = parseSshFingerprint(options.fingerprint)
  const connection = await connectToRack(context, options)
  const { HostKeyStatus } = await import('@keyrack/protocol/resources')
  const keys = await connection.get(`${path}/host-key`, (value) => HostKeyStatus.parse(value))
  terminal.note(`recorded: ${keys.recorded || 'none yet'}\nshown:    ${keys.shown}`)
  if (keys.recorded === keys.shown) {
    terminal.note(`${id} shows the host key that is recorded for it`)
    return
  }
  if (wanted !== undefined && wanted !== keys.shown) {
    throw new Failure(`${id} shows another host key than ${wanted}`, 'nothing was accepted')
  }
  if (wanted === undefined && !options.force) await confirm(context, id, keys)
  await terminal.progress(`Accepting the host key of ${id}`, () =>
    connection.request('POST', `${path}/trust`, { form: { fingerprint: keys.shown } }),
  )
}

async function confirm({ terminal }: Context, id: string, keys: HostKeyStatus): Promise<void> {
  if (!terminal.canAsk) {
    throw new Failure(
      'somebody has to compare that, and there is no terminal to ask at',
      `if it is right: convox instances trust ${id} --fingerprint ${keys.shown}`,
    )
  }
  const typed = await terminal.askLine(
    `Something else may be answering in the place of ${id}.\nType ${id} to accept what it shows: `,
  )
  if (typed?.trim() !== id) throw new Failure('nothing was accepted: that was not its id')
}

function parseSshFingerprint(text: string | undefined): string | undefined {
  if (text === undefined || /^SHA256:[A-Za-z0-9+/]{43}$/.test(text)) return text
  throw new UsageError(
    '--fingerprint is SHA256: and 43 characters',
    'as printed by: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub',
  )
}
