import { Readable } from 'node:stream'
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { exportAudit } from '../audit/export-audit.ts'
import { listAudit } from '../audit/list-audit.ts'
import type { ConsoleContext } from '../context.ts'
import { AuditExportQuery, AuditListQuery } from './api-schemas.ts'
import type { EdgeEnv } from './edge.ts'
import { parseInput } from './read-input.ts'

/** What was done, by whom: of an organization, or of the server itself. */
export function createAuditApi(
  context: ConsoleContext,
  known: MiddlewareHandler<EdgeEnv>,
): Hono<EdgeEnv> {
  const api = new Hono<EdgeEnv>()

  async function list(c: Context<EdgeEnv>, organization?: string): Promise<Response> {
    const query = { ...parseInput(c.req.query(), AuditListQuery), organization }
    return c.json(await listAudit(context, context.identity, c.var.account, query))
  }

  async function everything(c: Context<EdgeEnv>, organization?: string): Promise<Response> {
    const query = { ...parseInput(c.req.query(), AuditExportQuery), organization }
    const lines = await exportAudit(context, context.identity, c.var.account, query)
    return new Response(Readable.toWeb(Readable.from(lines)) as ReadableStream, {
      headers: { 'Content-Type': 'application/x-ndjson' },
    })
  }

  api.get('/organizations/:organization/audit', known, (c) => list(c, c.req.param('organization')))
  api.get('/organizations/:organization/audit/export', known, (c) =>
    everything(c, c.req.param('organization')),
  )
  api.get('/audit', known, (c) => list(c))
  api.get('/audit/export', known, (c) => everything(c))
  return api
}
