import { AuditExportStart } from '@keyrack/protocol/audit'
import type { AuditSource } from './audit-source.ts'

/** Rows per request, so that no answer is too large to be read whole. */
const ROWS = 20_000

export interface LogPart {
  start: AuditExportStart
  /** The first line of the export, in the first part only. */
  head: string | undefined
  /** One row each. */
  rows: string[]
}

/** A chain part by part, up to the head that the first answer named. */
export async function* readLog(
  source: AuditSource,
  since: string | undefined,
): AsyncGenerator<LogPart> {
  let start: AuditExportStart | undefined
  let count = 0
  for (;;) {
    const query = new URLSearchParams({ limit: String(ROWS) })
    if (since !== undefined) query.set('since', since)
    const last = start === undefined ? 0 : start.after.sequence + count
    if (last > 0) query.set('after', String(last))
    const { body } = await source.request('GET', `${source.path}/export?${query}`)
    const [first = '', ...lines] = body.split('\n')
    const head = start === undefined ? first : undefined
    start ??= AuditExportStart.parse(JSON.parse(first))
    const wanted = start.head.sequence - start.after.sequence - count
    const rows = lines.slice(0, -1).slice(0, wanted)
    count += rows.length
    yield { start, head, rows }
    if (rows.length < ROWS || rows.length === wanted) return
  }
}
