import { KeyrackError } from '@keyrack/protocol'
import type { Context } from 'hono'
import type { ConsoleContext } from '../context.ts'
import { logFailure } from '../http/access-log.ts'
import type { EdgeEnv } from '../http/edge.ts'

/** A form that comes back with what was typed and the reason. */
export interface Refused {
  form: ReadonlyMap<string, string>
  error: KeyrackError
}

/** A refusal goes back into its form, whatever its status; anything else is not the form's to explain. */
export function refusalOf(
  context: ConsoleContext,
  c: Context<EdgeEnv>,
  error: unknown,
): KeyrackError {
  if (!(error instanceof KeyrackError)) throw error
  logFailure(context, c.env.facts, error.status, error)
  return error
}
