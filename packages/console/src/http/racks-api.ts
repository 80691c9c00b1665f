import { Hono } from 'hono'
import type { ConsoleContext } from '../context.ts'
import type { RackEntry } from '../directory.ts'
import { createAddressGuard } from '../proxy/address-guard.ts'
import { type AnsweredRack, addRack } from '../racks/add-rack.ts'
import type { RackName } from '../racks/administered-rack.ts'
import type { RacksDomain } from '../racks/racks-domain.ts'
import { removeRack } from '../racks/remove-rack.ts'
import { renameRack } from '../racks/rename-rack.ts'
import { trustRack } from '../racks/trust-rack.ts'
import { AddRackBody, RenameRackBody, TrustRackBody } from './api-schemas.ts'
import { type EdgeEnv, requestContext } from './edge.ts'
import { createRackAccessApi } from './rack-access-api.ts'
import { createRackRollsApi } from './rack-rolls-api.ts'
import { rackSummary } from './rack-summary.ts'
import { readJson } from './read-input.ts'

/** Below `/api/racks`, for somebody who is known already. */
export function createRacksApi(
  context: ConsoleContext,
  forget: (rackId: string) => void,
): Hono<EdgeEnv> {
  const guard = createAddressGuard(context.config.rackNetworks)
  const domain: RacksDomain = { ...context, guard, forget }
  const racks = new Hono<EdgeEnv>()

  racks.get('/', (c) => c.json(context.directory.racksOf(c.var.account).map(rackSummary)))

  racks.post('/', async (c) => {
    const { take_over: takeOver, ...body } = await readJson(c, AddRackBody)
    const input = { ...body, takeOver }
    const rack = await addRack(domain, c.var.account, input, requestContext(c.env.facts))
    return c.json({ ...administratorView(rack), ...warning(rack) }, 201)
  })

  racks.patch('/:organization/:name', async (c) => {
    const { name } = await readJson(c, RenameRackBody)
    const facts = requestContext(c.env.facts)
    const rack = await renameRack(domain, c.var.account, rackName(c.req.param()), name, facts)
    return c.json(administratorView(rack))
  })

  racks.delete('/:organization/:name', async (c) => {
    const facts = requestContext(c.env.facts)
    await removeRack(domain, c.var.account, rackName(c.req.param()), facts)
    return c.body(null, 204)
  })

  racks.post('/:organization/:name/trust', async (c) => {
    const body = await readJson(c, TrustRackBody)
    const facts = requestContext(c.env.facts)
    const rack = await trustRack(domain, c.var.account, rackName(c.req.param()), body, facts)
    return c.json({ ...administratorView(rack), ...warning(rack) })
  })

  racks.route('/', createRackRollsApi(context))
  racks.route('/', createRackAccessApi({ ...domain, rolls: context.rolls }))
  return racks
}

function rackName({ organization, name }: { organization: string; name: string }): RackName {
  return { organization, name }
}

/** The proxy changes no bodies, so what such a Rack shows, it shows through the Console too. */
function warning({ showsKey }: AnsweredRack): { warning?: string } {
  if (!showsKey) return {}
  return {
    warning:
      'this Rack shows its Password, which is its key, to everybody who may read it, viewers too; turn off its development mode, then give it another key',
  }
}

/** Also where it is and which certificate it has to show; never its key. */
function administratorView(rack: RackEntry) {
  const { id, url, pin, remoteId } = rack
  const fingerprint = pin === '' ? null : pin
  // One of our own says who it is, and takes two keys while they are rolled.
  return { id, ...rackSummary(rack), url, fingerprint, two_keys: remoteId !== null }
}
