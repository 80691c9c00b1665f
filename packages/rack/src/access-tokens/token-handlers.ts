import { KeyrackError } from '@keyrack/protocol'
import { jsonAnswer, textAnswer } from '../http/answer.ts'
import type { RouteHandlers } from '../http/route-handlers.ts'
import { askingKey } from '../rack-keys/authenticate.ts'
import type { AccessTokens, TokenRole } from './access-tokens.ts'

const HOURS_MAX = 8_760

/** The routes `system.token.*`, for who has the key of the Rack. */
export function createTokenHandlers(tokens: AccessTokens): RouteHandlers {
  return new Map([
    [
      'system.token.create',
      async ({ asker, form }) => {
        askingKey(asker)
        const { role, hours } = readTokenForm(form())
        return jsonAnswer({ token: (await tokens.mint(role, hours)).reveal() })
      },
    ],
    [
      'system.token.rotate',
      async ({ asker }) => {
        askingKey(asker)
        await tokens.rotate()
        return textAnswer('ok')
      },
    ],
    [
      'system.token.list',
      async ({ asker }) => {
        askingKey(asker)
        return jsonAnswer(tokens.list())
      },
    ],
    [
      'system.token.revoke',
      async ({ asker, parameters: { id = '' } }) => {
        askingKey(asker)
        await tokens.revoke(id)
        return textAnswer('ok')
      },
    ],
  ])
}

/** `role` and `durationInHour`, as official clients send them (protocol.md 3). */
function readTokenForm(form: URLSearchParams): { role: TokenRole; hours: number } {
  for (const name of ['role', 'durationInHour']) {
    if (form.getAll(name).length > 1) throw wrong(name, `${name} is given twice`)
  }
  const role = form.get('role')
  if (role !== 'read' && role !== 'write') throw wrong('role', 'role must be read or write')
  const text = form.get('durationInHour') ?? ''
  const hours = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (hours < 1 || hours > HOURS_MAX) {
    throw wrong('durationInHour', `invalid duration: it must be 1 to ${HOURS_MAX} hours`)
  }
  return { role, hours }
}

function wrong(field: string, message: string): KeyrackError {
  return new KeyrackError('invalid', message, { field })
}
