import { KeyrackError } from '@keyrack/protocol'
import type { AuthorizedKeys, KeyrollStatus } from '@keyrack/protocol/resources'
import type { SshAccess } from '../instances/ssh-connection.ts'
import { readHostKeys, trustInstance } from '../instances/trust-instance.ts'
import type { Keyroll } from '../keyroll/keyroll.ts'
import type { SystemLog } from '../system/system-log.ts'
import { type Answer, jsonAnswer } from './answer.ts'
import type { RouteCall, RouteHandler } from './route-handlers.ts'

export interface InstanceKeyFacts {
  access: SshAccess
  keyroll: Keyroll
  systemLog: SystemLog
}

/**
 * How long an answer is held back for a roll that goes on, which it does without it as well; our
 * own command line waits for a minute.
 */
const ANSWER_WITHIN_MS = 45_000
const FIELD_MAX = 100

/** What is done about the SSH key of the instances, and about their host keys. */
export function instanceKeyHandlers(facts: InstanceKeyFacts): Array<[string, RouteHandler]> {
  const { access, keyroll, systemLog } = facts
  const { engine, sshKeys } = access
  return [
    ['instances.keyroll', (call) => rollKeys(keyroll, call)],
    ['instances.keyroll-status', async () => jsonAnswer(await keyroll.status())],
    [
      'instances.host-key',
      async ({ parameters: { id = '' } }) => jsonAnswer(await readHostKeys(access, id)),
    ],
    [
      'instances.trust',
      async ({ parameters: { id = '' }, form, requestId }) => {
        await trustInstance(access, id, form().get('fingerprint') ?? '')
        systemLog.add(`trust/${requestId}`, `the SSH host key of ${id} was accepted anew`)
        keyroll.look()
        return jsonAnswer({ success: true })
      },
    ],
    [
      'instances.authorized-keys',
      async ({ parameters: { id = '' } }) => {
        if (!(await engine.exists(id))) throw notFound(id)
        const newest = (await sshKeys.live()).slice(0, 1)
        const lines = newest.map(({ line }) => line)
        const answer: AuthorizedKeys = { id, user: engine.sshUser, lines }
        return jsonAnswer(answer)
      },
    ],
    [
      'instances.rekey',
      async ({ parameters: { id = '' }, requestId }) => {
        if (!(await engine.exists(id))) throw notFound(id)
        const generation = await keyroll.rekey(id)
        systemLog.add(`rekey/${requestId}`, `${id} opens with generation ${generation}`)
        return jsonAnswer({ success: true, generation })
      },
    ],
  ]
}

/** The one answer that every official client takes for done is given only when it is (clients.md 7). */
async function rollKeys(keyroll: Keyroll, { form, requestId }: RouteCall): Promise<Answer> {
  const mode = readMode(form())
  let timer: NodeJS.Timeout | undefined
  const tooLong = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ANSWER_WITHIN_MS)
  })
  try {
    await Promise.race([keyroll.roll(mode, requestId), tooLong])
  } finally {
    clearTimeout(timer)
  }
  const status = await keyroll.status()
  if (status.state === 'done') return jsonAnswer({ success: true })
  throw notDone(status)
}

/** `replace=true`; official clients send nothing. */
function readMode(form: URLSearchParams): 'in-place' | 'replace' {
  for (const [name, value] of form) {
    if (name !== 'replace' || form.getAll(name).length > 1) {
      const shown = name.replaceAll(/[\p{Cc}\p{Cs}]/gu, '?').slice(0, FIELD_MAX)
      throw new KeyrackError('invalid', `a keyroll takes replace, once, and not "${shown}"`, {
        field: 'replace',
      })
    }
    if (value !== 'true' && value !== 'false') {
      throw new KeyrackError('invalid', 'replace is true or false', { field: 'replace' })
    }
  }
  return form.get('replace') === 'true' ? 'replace' : 'in-place'
}

function notDone({ state, detail }: KeyrollStatus): KeyrackError {
  const hint = 'see how far it is: convox instances keyroll status'
  if (state === 'running') {
    return new KeyrackError('timeout', 'the keyroll is still going on', { hint })
  }
  return new KeyrackError(
    'conflict',
    `the new SSH key is in use, and the keyroll is ${detail || 'not finished'}`,
    {
      hint: `an instance is rolled by itself when it can be reached again; ${hint}`,
    },
  )
}

function notFound(id: string): KeyrackError {
  return new KeyrackError('not-found', `instance not found: ${id.slice(0, FIELD_MAX)}`)
}
