import { KeyrackError } from '@keyrack/protocol'
import { jsonAnswer } from '../http/answer.ts'
import type { RouteHandlers } from '../http/route-handlers.ts'
import type { RackAudit } from './rack-audit.ts'

/** What was done on this Rack, oldest first; `after=ID` for the next part. */
export function createAuditHandlers(audit: RackAudit): RouteHandlers {
  return new Map([
    [
      'system.audit',
      async ({ form }) => {
        const after = form().get('after') ?? '0'
        if (!/^\d{1,15}$/.test(after)) {
          throw new KeyrackError('invalid', '`after` is the id of an action', { field: 'after' })
        }
        return jsonAnswer(await audit.actions(Number(after)))
      },
    ],
  ])
}
