import { KeyrackError } from '@keyrack/protocol'
import { retireMasterKey as retireFile } from '@keyrack/server'
import type { ConsoleContext, RequestContext } from '../context.ts'
import { keyUsage, total } from './key-usage.ts'

/** Takes a master key out of KEY_DIR of this Console, if it seals nothing. Answers where the file is now. */
export async function retireMasterKey(
  domain: Pick<ConsoleContext, 'store' | 'keyring' | 'config' | 'audit'>,
  id: string,
  request: RequestContext,
): Promise<{ id: string; file: string }> {
  const { store, keyring, config, audit } = domain
  if (keyring.get(id) === undefined) {
    throw new KeyrackError('not-found', `there is no master key ${id} in ${config.keyDir}`, {
      hint: 'list them with: keyrack-console keys status',
    })
  }
  if (keyring.current.id === id) {
    throw new KeyrackError('conflict', `the master key ${id} seals new values`, {
      hint: 'first make another one seal, with: keyrack-console keys rotate',
    })
  }
  // In one transaction with the count, so that nothing is sealed with it in between.
  const file = await store.transaction(async (tx) => {
    const values = total(await keyUsage(tx), id)
    if (values > 0) {
      throw new KeyrackError('conflict', `${values} values are sealed with the master key ${id}`, {
        hint: 'seal them anew with: keyrack-console keys rotate',
      })
    }
    const event = {
      organizationId: null,
      actor: { id: null, name: 'the operator of the server' },
      action: 'master-key.retire',
      target: id,
      ...request,
    }
    await audit.record(event, { status: 200 }, tx)
    return retireFile(config.keyDir, id)
  })
  keyring.forget(id)
  return { id, file }
}
