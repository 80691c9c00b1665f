import type { AuditRow, RackAction } from '@keyrack/protocol/audit'
import {
  type AuditSource,
  type AuditSourceOptions,
  connectToAudit,
  sinceTime,
} from '../../audit/audit-source.ts'
import type { Comparison, ConsoleLog } from '../../audit/compare-logs.ts'
import type { DefineCommand } from '../../command-table.ts'
import { type Connection, connectToRack } from '../../connect.ts'
import type { Context } from '../../context.ts'
import { EndWith, Failure } from '../../failures.ts'
import { shortTime } from '../../short-time.ts'
import { formatTable } from '../../table.ts'
import { findRack } from '../../target.ts'

interface CompareOptions extends AuditSourceOptions {
  since?: string
  json?: true
}

export const defineCompare: DefineCommand = (command, context) => {
  command
    .option('--since <time>', 'only from then on: 24h, 30d, 2026-11-01')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nA Console signs on whose behalf it asks, with the row of its log that says so; the Rack keeps that.\n' +
        'A row that was changed or removed since, or that tells of something the Rack never did, shows here.\n' +
        'What was done with the key of the Rack itself, or with an access token, is listed apart.\n' +
        'Ends with 1 when the logs differ.\n' +
        '\nExamples:\n  $ convox audit compare\n  $ convox audit compare -r acme/prod --since 30d',
    )
    .action((options: CompareOptions) => compare(context, options))
}

async function compare(context: Context, options: CompareOptions): Promise<void> {
  const { terminal } = context
  const since = options.since === undefined ? undefined : await sinceTime(options.since)
  const source = await connectToAudit(context, options)
  const rack = await connectToRack(context, options)
  const chosen = findRack(context, options, source.target.host.name)?.name
  const id = await rackId(source, chosen)
  // The Console's first: what it calls done by then, the Rack has done.
  const log = await consoleLog(context, source, since)
  const actions = await actionsOf(rack, since)
  const { compareLogs } = await import('../../audit/compare-logs.ts')
  const compared = compareLogs(log, id, actions)
  if (options.json) terminal.printJson(compared)
  else show(context, compared)
  if (compared.differences.length > 0) throw new EndWith(1)
}

function show({ terminal }: Context, { alike, direct, differences }: Comparison): void {
  const when = (at: number) => shortTime(new Date(at).toISOString())
  if (differences.length > 0) {
    const rows = differences.map((each) => [
      ...[when(each.at), each.actor, each.target, each.request, each.problem],
    ])
    terminal.print(formatTable([['TIME', 'WHO', 'TARGET', 'REQUEST', 'PROBLEM'], ...rows]))
  }
  if (direct.length > 0) {
    const rows = direct.map(({ at, credential, target, address }) => [
      ...[when(at), credential, target, address],
    ])
    terminal.note('Done without the Console:')
    terminal.note(formatTable([['TIME', 'WITH', 'TARGET', 'FROM'], ...rows]))
  }
  terminal.print(`Both logs tell of ${alike} writes alike, of ${differences.length} differently`)
}

async function actionsOf(rack: Connection, since: string | undefined): Promise<RackAction[]> {
  const { RackActions } = await import('@keyrack/protocol/audit')
  const from = since === undefined ? 0 : Date.parse(since)
  const found: RackAction[] = []
  let after: number | null = 0
  while (after !== null) {
    const page: { actions: RackAction[]; next: number | null } = await rack.get(
      `/system/audit?after=${after}`,
      (value) => RackActions.parse(value),
    )
    found.push(...page.actions.filter(({ at }) => at >= from))
    after = page.next
  }
  return found
}

async function consoleLog(
  context: Context,
  source: AuditSource,
  since: string | undefined,
): Promise<ConsoleLog> {
  const { AuditRowShape } = await import('@keyrack/protocol/audit')
  const { readLog } = await import('../../audit/read-log.ts')
  const { checkHostHead } = await import('../../audit/known-heads.ts')
  const rows: AuditRow[] = []
  let log: ConsoleLog | undefined
  for await (const part of readLog(source, since)) {
    const { head, after } = part.start
    if (log === undefined) await checkHostHead(context.folder, source.target.host.name, head)
    for (const line of part.rows) rows.push(AuditRowShape.parse(JSON.parse(line)))
    const [from, until] = [after.sequence, head.sequence]
    log = { publicKey: head.public_key, chain: head.chain, after: from, until, rows }
  }
  if (log === undefined) throw new TypeError('a log has a first part')
  return log
}

/** As the Console calls the Rack in its rows. */
async function rackId(source: AuditSource, name: string | undefined): Promise<string> {
  const racks = await source.get('/api/racks', rackIds)
  const [found, ...others] = racks.filter(
    (rack) => name === undefined || rack.name === name || rack.name.endsWith(`/${name}`),
  )
  if (found !== undefined && others.length === 0) return found.id
  throw new Failure(
    name === undefined ? 'no Rack is chosen' : `there is no one Rack called ${name}`,
    'choose one of: convox racks',
  )
}

function rackIds(value: unknown): { id: string; name: string }[] {
  const list: unknown[] = Array.isArray(value) ? value : []
  return list.flatMap((entry) => {
    const { id, name, organization } = (entry ?? {}) as Record<string, unknown>
    const owner = (organization ?? {}) as Record<string, unknown>
    if (typeof id !== 'string' || typeof name !== 'string') return []
    return [{ id, name: `${String(owner.name)}/${name}` }]
  })
}
