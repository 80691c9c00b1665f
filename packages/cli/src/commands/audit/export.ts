import type { AuditExportStart } from '@keyrack/protocol/audit'
import {
  type AuditSource,
  type AuditSourceOptions,
  connectToAudit,
  sinceTime,
} from '../../audit/audit-source.ts'
import { openExportFile } from '../../audit/export-file.ts'
import type { DefineCommand } from '../../command-table.ts'
import type { Context } from '../../context.ts'
import { escapeJson } from '../../printable.ts'

interface ExportOptions extends AuditSourceOptions {
  since?: string
}

export const defineExport: DefineCommand = (command, context) => {
  command
    .argument('<file>', 'where to write it, or - for stdout')
    .option('--since <time>', 'only from then on: 24h, 30d, 2026-11-01')
    .option('--organization <name>', 'the organization, if not that of the chosen Rack')
    .option('--server', 'the log of the Console itself, for its server administrator')
    .addHelpText(
      'after',
      '\nOne line of JSON for each row, after a line with the head that the Console has signed.\n' +
        'Check it, here or on any other machine, with: convox audit verify FILE\n' +
        '\nExamples:\n  $ convox audit export audit.ndjson\n' +
        '  $ convox audit export - --since 30d | gzip > audit.ndjson.gz',
    )
    .action((file: string, options: ExportOptions) => exportAudit(context, options, file))
}

async function exportAudit(context: Context, options: ExportOptions, file: string): Promise<void> {
  const since = options.since === undefined ? undefined : await sinceTime(options.since)
  const source = await connectToAudit(context, options)
  const target = file === '-' ? standardOutput(context) : openExportFile(file)
  try {
    const { start, rows } = await copy(source, since, target.write)
    const { checkHostHead } = await import('../../audit/known-heads.ts')
    await checkHostHead(context.folder, source.target.host.name, start.head)
    target.finish()
    const where = file === '-' ? '' : ` to ${file}`
    context.terminal.note(`Exported ${rows} rows of ${source.whose}${where}`)
  } catch (error) {
    target.abandon()
    throw error
  }
}

async function copy(
  source: AuditSource,
  since: string | undefined,
  write: (text: string) => Promise<void> | void,
): Promise<{ start: AuditExportStart; rows: number }> {
  const { readLog } = await import('../../audit/read-log.ts')
  let start: AuditExportStart | undefined
  let rows = 0
  for await (const part of readLog(source, since)) {
    start = part.start
    rows += part.rows.length
    const lines = part.head === undefined ? part.rows : [part.head, ...part.rows]
    if (lines.length > 0) await write(`${lines.join('\n')}\n`)
  }
  if (start === undefined) throw new TypeError('an export has a first part')
  return { start, rows }
}

interface Target {
  write(text: string): Promise<void> | void
  finish(): void
  abandon(): void
}

function standardOutput({ terminal }: Context): Target {
  const write = (text: string) => terminal.writeBytes(Buffer.from(escapeJson(text)))
  return { write, finish() {}, abandon() {} }
}
