import type { KeyrollStatus } from '@keyrack/protocol/resources'
import type { Connection } from './connect.ts'
import { codeOf } from './error-code.ts'
import { Failure } from './failures.ts'

/** How far the newest keyroll is; undefined for a Rack that does not tell, as official ones do not. */
export async function readKeyroll(connection: Connection): Promise<KeyrollStatus | undefined> {
  const { KeyrollStatus } = await import('@keyrack/protocol/resources')
  try {
    return await connection.get('/instances/keyroll', (value) => KeyrollStatus.parse(value))
  } catch (error) {
    const code = codeOf(error)
    if (code === 'not-found' || code === 'not-implemented') return undefined
    throw error
  }
}

export function unfinishedKeyroll({ detail, state }: KeyrollStatus): Failure {
  return new Failure(
    `the new SSH key is in use, and the keyroll is ${detail || (state === 'running' ? 'still going on' : 'not finished')}`,
    'an instance is rolled by itself when it can be reached again; see: convox instances keyroll status',
  )
}
