import type { ClientStream } from '@keyrack/protocol/client'
import { Failure } from './failures.ts'
import { type RefusedAt, refusedKey } from './refused-key.ts'
import { UnknownInstance } from './unknown-instance.ts'

/**
 * What a server said as `ERROR: ...` inside a stream, where there is no status any more: official
 * ones say 401 with this text, the first generation with another word. Which request it was, ours
 * said in the head of the stream, because official clients print the text as it is.
 */
export function inStreamFailure(
  text: string,
  { requestId }: Pick<ClientStream, 'requestId'>,
  target: RefusedAt,
): Failure {
  const known = requestId === undefined || text.includes(requestId)
  const said = known ? text : `${text} (request ${requestId})`
  if (/^invalid auth(?:entication|orization)/i.test(text)) return refusedKey(said, target)
  return UnknownInstance.isSaidBy(text) ? new UnknownInstance(said) : new Failure(said)
}
