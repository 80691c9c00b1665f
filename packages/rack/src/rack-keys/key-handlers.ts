import { jsonAnswer } from '../http/answer.ts'
import type { RouteHandlers } from '../http/route-handlers.ts'
import { askingKey } from './authenticate.ts'
import type { ConsoleRecovery } from './console-recovery.ts'
import { readRecovery, readRegistration, readRetire, readStage, readUnstage } from './key-form.ts'
import type { RackKeys } from './rack-keys.ts'

/** The routes `key.*`: what a Console says to its Rack about the Rack's key. */
export function createKeyHandlers(keys: RackKeys, recovery: ConsoleRecovery): RouteHandlers {
  return new Map([
    ['key.status', async ({ asker }) => jsonAnswer(await keys.status(askingKey(asker)))],
    [
      'key.stage',
      async ({ asker, form }) => jsonAnswer(await keys.stage(askingKey(asker), readStage(form()))),
    ],
    [
      'key.unstage',
      async ({ asker, form }) =>
        jsonAnswer(await keys.unstage(askingKey(asker), readUnstage(form()))),
    ],
    [
      'key.retire',
      async ({ asker, form }) =>
        jsonAnswer(await keys.retire(askingKey(asker), readRetire(form()))),
    ],
    [
      'key.register',
      async ({ asker, form }) => {
        askingKey(asker)
        return jsonAnswer(await recovery.register(readRegistration(form())))
      },
    ],
    ['key.challenge', async ({ address }) => jsonAnswer(recovery.challenge(address))],
    [
      'key.recover',
      async ({ address, form }) =>
        jsonAnswer(await recovery.recover(address, readRecovery(form()))),
    ],
  ])
}
