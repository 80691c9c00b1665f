import type { AuditEntry } from '@keyrack/protocol/audit'
import { type AuditSourceOptions, connectToAudit, sinceTime } from '../audit/audit-source.ts'
import type { DefineCommand } from '../command-table.ts'
import type { Context } from '../context.ts'
import { shortTime } from '../short-time.ts'
import { formatTable } from '../table.ts'

interface AuditOptions extends AuditSourceOptions {
  rack?: string
  user?: string
  action?: string
  since?: string
  limit?: string
  before?: string
  acceptRestored?: true
  json?: true
}

export const defineAudit: DefineCommand = (command, context) => {
  command
    .option('--user <name>', 'only what this person did, or "deploy key NAME"')
    .option('--action <action>', 'only this action, like instances.terminate, or rack.*')
    .option('--since <time>', 'only from then on: 24h, 30d, 2026-11-01')
    .option('--limit <number>', 'how many, newest first; 100 if not given')
    .option('--before <row>', 'only what came before this row, to go on further back')
    .option('--organization <name>', 'the organization, if not that of the chosen Rack')
    .option('--server', 'the log of the Console itself, for its server administrator')
    .option(
      '--accept-restored',
      'the log is of a backup that was restored: forget what was seen of it',
    )
    .option('--json', "print the server's answer as JSON")
    .addHelpText(
      'after',
      '\nWith --rack only what was done on that Rack. Only what changes something or runs code is recorded.\n' +
        'This machine remembers the newest row that it has seen, and says so when it is gone.\n' +
        '\nExamples:\n  $ convox audit --since 7d\n  $ convox audit --rack acme/dev --action "instances.*"' +
        '\n  $ convox audit --user ann@example.com --json',
    )
    .action((options: AuditOptions) => audit(context, options))
}

async function audit(context: Context, options: AuditOptions): Promise<void> {
  const { terminal } = context
  const query = new URLSearchParams()
  for (const name of ['rack', 'user', 'action', 'limit', 'before'] as const) {
    const value = options[name]
    if (value !== undefined) query.set(name, value)
  }
  if (options.since !== undefined) query.set('since', await sinceTime(options.since))
  const source = await connectToAudit(context, options)
  const { AuditPage } = await import('@keyrack/protocol/audit')
  let raw: unknown
  const page = await source.get(`${source.path}?${query}`, (value) => {
    raw = value
    return AuditPage.parse(value)
  })
  const { checkHostHead } = await import('../audit/known-heads.ts')
  const { host } = source.target
  await checkHostHead(context.folder, host.name, page.head, options.acceptRestored)
  if (options.json) {
    terminal.printJson(raw)
    return
  }
  const head = ['ROW', 'TIME', 'WHO', 'ACTION', 'RACK', 'TARGET', 'OUTCOME', 'FROM', 'REQUEST']
  terminal.print(formatTable([head, ...page.entries.map(row)]))
  if (page.entries.length === 0) terminal.note(`nothing is recorded of that for ${source.whose}`)
  if (page.next !== null) terminal.note(`There is more: --before ${page.next}`)
}

function row(entry: AuditEntry): string[] {
  const status = entry.status === null ? '' : ` ${entry.status}`
  return [
    String(entry.sequence),
    shortTime(entry.at),
    entry.actor,
    entry.action,
    entry.rack ?? '',
    entry.target,
    `${entry.outcome}${status}`,
    entry.address,
    entry.request_id,
  ]
}
