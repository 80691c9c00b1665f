import { type AuditRow, type RackAction, readActor } from '@keyrack/protocol/audit'

export interface Difference {
  /** Milliseconds since 1970. */
  at: number
  request: string
  target: string
  actor: string
  problem: string
}

export interface Comparison {
  /** Writes that both logs tell alike. */
  alike: number
  /** Done with the Rack's key or a token itself, so no Console has to know of it. */
  direct: RackAction[]
  differences: Difference[]
}

export interface ConsoleLog {
  publicKey: string
  chain: string
  /** The first row is the one after this. */
  after: number
  /** The last row. What the Rack did since is not compared. */
  until: number
  rows: readonly AuditRow[]
}

/** What Consoles do with a Rack by themselves is in their log under its own names, not by request. */
const OWN_ACTS = /^key\./

/**
 * Holds both sides of the same writes against each other. The Rack keeps, for each, what the Console
 * signed then: a row that is other or gone now was changed since, whoever changed it; and what the
 * Console says was done on this Rack, but the Rack has never heard of, was not done there.
 */
export function compareLogs(
  { publicKey, chain, after, until, rows }: ConsoleLog,
  rackId: string,
  actions: readonly RackAction[],
): Comparison {
  const bySequence = new Map(rows.map((row) => [row.sequence, row]))
  const endings = new Map(
    rows.filter(({ phase }) => phase === 'finished').map((row) => [row.event_id, row]),
  )
  const differences: Difference[] = []
  const direct: RackAction[] = []
  const known = new Set<number>()
  let alike = 0
  for (const action of actions) {
    if (action.row === null) {
      if (!OWN_ACTS.test(action.action)) direct.push(action)
      continue
    }
    const { sequence } = action.row
    if (action.row.chain !== chain || sequence <= after || sequence > until) continue
    known.add(sequence)
    const row = bySequence.get(sequence)
    const problem = problemOf(action, row, publicKey)
    if (problem === undefined) alike += 1
    else differences.push(difference(action.at, action.request_id, action, action.actor, problem))
  }
  for (const row of rows) {
    if (row.phase !== 'started' || row.rack_id !== rackId || known.has(row.sequence)) continue
    // A row of the Console's own about the Rack: it was removed, renamed, rolled.
    if (!/^[A-Z]+ \//.test(row.target)) continue
    // What failed may not have reached the Rack.
    if (endings.get(row.id)?.outcome !== 'succeeded') continue
    const problem = 'the Console says that it was done, the Rack has never heard of it'
    differences.push(difference(row.at, row.request_id, row, row.actor_name, problem))
  }
  return { alike, direct, differences }
}

function problemOf(
  action: RackAction,
  row: AuditRow | undefined,
  publicKey: string,
): string | undefined {
  if (action.statement === null || readActor(action.statement, publicKey) === undefined) {
    return 'the Console did not sign what the Rack has'
  }
  if (row === undefined) return 'the Console signed a row that its log does not have any more'
  if (row.hash !== action.row?.hash) return "the row of the Console's log was changed afterwards"
  const same =
    row.actor_name === action.actor &&
    row.target === action.target &&
    row.request_id === action.request_id
  return same ? undefined : 'both logs tell it differently'
}

function difference(
  at: number,
  request: string,
  { target }: { target: string },
  actor: string | null,
  problem: string,
): Difference {
  return { at, request, target, actor: actor ?? '', problem }
}
