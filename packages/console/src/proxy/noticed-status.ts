import { KeyrackError } from '@keyrack/protocol'
import type { RackStatus } from '../directory.ts'

/** What a request to a Rack has shown of it; undefined when it failed for a reason that tells nothing. */
export function noticedStatus(error?: unknown): RackStatus | undefined {
  if (error === undefined) return 'running'
  if (!(error instanceof KeyrackError)) return undefined
  if (error.code === 'rack-refused') return 'failed'
  return error.code === 'rack-unreachable' || error.code === 'timeout' ? 'unreachable' : undefined
}
