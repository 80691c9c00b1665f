import { Secret } from '@keyrack/secrets'
import { createLogger } from '@keyrack/server'
import { signUp } from '../../accounts/sign-up.ts'
import { type Closing, openContext } from '../../open-context.ts'
import { createAddressGuard } from '../../proxy/address-guard.ts'
import { addRack } from '../../racks/add-rack.ts'
import { PASSWORD, REQUEST, testConfig } from '../../testing/console-domain.ts'
import type { RunningRack } from './running-rack.ts'

/** A data folder with an account and a real Rack, acme/live; closed again. */
export async function prepareRolledData(
  dataDir: string,
  rack: RunningRack,
  env: Record<string, string> = {},
): Promise<void> {
  const closing: Closing = []
  const log = createLogger({ name: 'test', level: 'silent' })
  const context = await openContext(testConfig(dataDir, env), log, closing)
  try {
    const input = { email: 'ada@example.com', password: Secret.of(PASSWORD), organization: 'acme' }
    const { id } = await signUp(context, input, REQUEST)
    const account = context.directory.accountById(id)
    if (account === undefined) throw new TypeError('no account was made')
    const guard = createAddressGuard([])
    await addRack(
      { ...context, guard, forget: () => undefined },
      account,
      {
        organization: 'acme',
        name: 'live',
        host: rack.host,
        key: rack.key,
        fingerprint: rack.fingerprint,
        takeOver: true,
      },
      REQUEST,
    )
  } finally {
    for (const close of closing.reverse()) await close()
  }
}
