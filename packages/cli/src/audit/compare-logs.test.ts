import {
  type AuditRow,
  type RackAction,
  rowHash,
  signActor,
  WHOLE_CHAIN,
} from '@keyrack/protocol/audit'
import { generateSigningKey } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { type ConsoleLog, compareLogs } from './compare-logs.ts'

const KEYS = generateSigningKey()

/** Three writes on the Rack r-1 as the Console has them, and what the Rack has of the same. */
function bothLogs() {
  const rows: AuditRow[] = []
  let previous_hash = WHOLE_CHAIN.hash
  const append = (
    row: Pick<
      AuditRow,
      'id' | 'phase' | 'event_id' | 'outcome' | 'status' | 'target' | 'request_id'
    >,
  ) => {
    const sequence = rows.length + 1
    const whole = {
      ...{ chain: 'o-1', sequence, at: 1_000 + sequence, actor_id: 'u-1' },
      ...{ actor_name: 'ann@example.com', action: 'instances.terminate', rack_id: 'r-1' },
      ...{ address: '192.0.2.7', note: null, previous_hash, ...row },
    }
    previous_hash = rowHash(whole)
    rows.push({ ...whole, hash: previous_hash })
  }
  const actions: RackAction[] = []
  for (const write of [1, 2, 3]) {
    const target = `DELETE /instances/i-${write}`
    const [id, request_id] = [`event-${write}`, `request-${write}`]
    append({ id, phase: 'started', event_id: id, outcome: null, status: null, target, request_id })
    const { sequence, hash } = rows.at(-1) as AuditRow
    const row = { chain: 'o-1', sequence, hash }
    const statement = signActor(
      { console: 'c', rack: 'k', actor: 'ann@example.com', target, request: request_id, row },
      KEYS.privateKey,
    )
    actions.push({
      ...{ id: write, at: 5, request_id, actor: 'ann@example.com', action: 'instances.terminate' },
      ...{ target, address: '127.0.0.1', credential: 'key 1', outcome: 'succeeded', status: 200 },
      ...{ statement, row },
    })
    append({
      id: `end-${write}`,
      phase: 'finished',
      event_id: id,
      outcome: 'succeeded',
      status: 200,
      target,
      request_id,
    })
  }
  return { rows, actions }
}

function logOf(rows: AuditRow[], over: Partial<ConsoleLog> = {}): ConsoleLog {
  return { publicKey: KEYS.publicKey, chain: 'o-1', after: 0, until: 6, rows, ...over }
}

function problems(log: ConsoleLog, actions: RackAction[]): string[] {
  return compareLogs(log, 'r-1', actions).differences.map(
    ({ request, problem }) => `${request}: ${problem}`,
  )
}

describe('two logs of the same', () => {
  it('are alike', () => {
    const { rows, actions } = bothLogs()
    expect(compareLogs(logOf(rows), 'r-1', actions)).toEqual({
      alike: 3,
      direct: [],
      differences: [],
    })
  })

  it('differ in a row that was changed, even with the whole chain computed anew', () => {
    const { rows, actions } = bothLogs()
    const first = rows[0] as AuditRow
    const changed = { ...first, actor_name: 'eve@example.com' }
    const rehashed = { ...changed, hash: rowHash(changed) }
    expect(problems(logOf([rehashed, ...rows.slice(1)]), actions)).toEqual([
      "request-1: the row of the Console's log was changed afterwards",
    ])
    expect(problems(logOf([changed, ...rows.slice(1)]), actions)).toEqual([
      'request-1: both logs tell it differently',
    ])
  })

  it('differ in a row that is gone, and in one that the Rack never heard of', () => {
    const { rows, actions } = bothLogs()
    expect(problems(logOf(rows.slice(2)), actions)).toEqual([
      'request-1: the Console signed a row that its log does not have any more',
    ])
    expect(problems(logOf(rows), actions.slice(1))).toEqual([
      'request-1: the Console says that it was done, the Rack has never heard of it',
    ])
  })

  it('differ in what the Console did not sign', () => {
    const { rows, actions } = bothLogs()
    const other = generateSigningKey().publicKey
    expect(problems(logOf(rows, { publicKey: other }), actions)).toHaveLength(3)
    const [first, ...rest] = actions as [RackAction, ...RackAction[]]
    expect(problems(logOf(rows), [{ ...first, statement: null }, ...rest])).toEqual([
      'request-1: the Console did not sign what the Rack has',
    ])
    expect(problems(logOf(rows), [{ ...first, actor: 'eve@example.com' }, ...rest])).toEqual([
      'request-1: both logs tell it differently',
    ])
  })

  it('do not differ in what is not in both: before, after, elsewhere, and what never began', () => {
    const { rows, actions } = bothLogs()
    expect(problems(logOf(rows.slice(2), { after: 2 }), actions)).toEqual([])
    expect(problems(logOf(rows.slice(0, 4), { until: 4 }), actions)).toEqual([])
    expect(problems(logOf([], { chain: 'o-2', until: 0 }), actions)).toEqual([])
    const failed = rows.map((row) =>
      row.phase === 'finished' ? { ...row, outcome: 'failed' as const } : row,
    )
    expect(problems(logOf(failed), [])).toEqual([])
    const own = rows.map((row) => ({ ...row, target: 'acme/dev' }))
    expect(problems(logOf(own), [])).toEqual([])
    expect(compareLogs(logOf(rows), 'r-2', []).differences).toEqual([])
  })

  it('tell apart what was done with the key itself', () => {
    const { rows, actions } = bothLogs()
    const direct = { ...(actions[0] as RackAction), id: 9, actor: null, statement: null, row: null }
    const roll = { ...direct, id: 10, action: 'key.stage' }
    expect(compareLogs(logOf(rows), 'r-1', [...actions, direct, roll])).toEqual({
      ...{ alike: 3, direct: [direct], differences: [] },
    })
  })
})
