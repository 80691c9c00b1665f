import { Hono } from 'hono'
import {
  listRackTokens,
  mintRackToken,
  revokeRackToken,
  rotateRackTokens,
} from '../rack-access/rack-access.ts'
import type { AccessDomain } from '../rack-access/token-endings.ts'
import type { RackName } from '../racks/administered-rack.ts'
import { AccessBody } from './api-schemas.ts'
import { type EdgeEnv, requestContext } from './edge.ts'
import { readJson } from './read-input.ts'

/** Below `/api/racks/{organization}/{rack}/access`, for somebody who is known already. */
export function createRackAccessApi(domain: AccessDomain): Hono<EdgeEnv> {
  const api = new Hono<EdgeEnv>()

  api.get('/:organization/:name/access', async (c) => {
    const listed = await listRackTokens(domain, c.var.account, named(c.req.param()))
    const tokens = listed.tokens.map(({ id, role, createdAt, expiresAt, minter, endingSince }) => ({
      ...{ id, role, created_at: createdAt, expires_at: expiresAt, minter },
      ending_since: endingSince,
    }))
    return c.json({ tokens, problem: listed.problem })
  })

  api.post('/:organization/:name/access', async (c) => {
    const { role, duration_in_hours: hours } = await readJson(c, AccessBody)
    const name = named(c.req.param())
    const facts = requestContext(c.env.facts)
    const made = await mintRackToken(domain, c.var.account, name, { role, hours }, facts)
    const { host } = new URL(made.rack.url)
    const answer = { id: made.id, role, token: made.token.reveal(), host }
    const fingerprint = made.rack.pin === '' ? null : made.rack.pin
    return c.json({ ...answer, fingerprint, expires_at: made.expiresAt }, 201)
  })

  api.post('/:organization/:name/access/rotate', async (c) => {
    const facts = requestContext(c.env.facts)
    await rotateRackTokens(domain, c.var.account, named(c.req.param()), facts)
    return c.body(null, 204)
  })

  api.delete('/:organization/:name/access/:id', async (c) => {
    const facts = requestContext(c.env.facts)
    const { id } = c.req.param()
    await revokeRackToken(domain, c.var.account, named(c.req.param()), id, facts)
    return c.body(null, 204)
  })

  return api
}

function named({ organization, name }: RackName): RackName {
  return { organization, name }
}
