import { Hono } from 'hono'
import type { ConsoleContext } from '../context.ts'
import { displayName } from '../proxy/find-rack.ts'
import type { RackName } from '../racks/administered-rack.ts'
import { FinishRollBody, RollBody, ScheduleBody, SetKeyBody } from './api-schemas.ts'
import { type EdgeEnv, requestContext } from './edge.ts'
import { readJson } from './read-input.ts'
import { rollView } from './roll-view.ts'

/** Below `/api/racks/{organization}/{rack}/key`, for somebody who is known already. */
export function createRackRollsApi({ rolls }: Pick<ConsoleContext, 'rolls'>): Hono<EdgeEnv> {
  const api = new Hono<EdgeEnv>()

  api.get('/:organization/:name/key', async (c) => {
    const { rack, roll, uses, schedule } = await rolls.report(c.var.account, named(c.req.param()))
    return c.json({
      rack: displayName(rack),
      version: rack.keyVersion,
      roll: roll === undefined ? null : rollView(roll, displayName(rack), uses),
      schedule:
        schedule === undefined
          ? null
          : { every_seconds: schedule.every_ms / 1000, next_at: schedule.next_at },
    })
  })

  api.get('/:organization/:name/key/roll', async (c) => {
    const { rack, roll, uses } = await rolls.report(c.var.account, named(c.req.param()))
    return c.json(roll === undefined ? null : rollView(roll, displayName(rack), uses))
  })

  api.post('/:organization/:name/key/roll', async (c) => {
    const { grace_seconds: grace } = await readJson(c, RollBody)
    const name = named(c.req.param())
    const facts = requestContext(c.env.facts)
    const { roll, joined } = await rolls.roll(c.var.account, name, grace * 1000, facts)
    return c.json(rollView(roll, wholeName(name)), joined ? 200 : 202)
  })

  api.post('/:organization/:name/key/roll/finish', async (c) => {
    const { force } = await readJson(c, FinishRollBody)
    const name = named(c.req.param())
    return c.json(rollView(await rolls.finish(c.var.account, name, force), wholeName(name)), 202)
  })

  api.post('/:organization/:name/key/roll/cancel', async (c) => {
    const name = named(c.req.param())
    return c.json(rollView(await rolls.cancel(c.var.account, name), wholeName(name)), 202)
  })

  api.put('/:organization/:name/key/schedule', async (c) => {
    const { every_seconds: every } = await readJson(c, ScheduleBody)
    const facts = requestContext(c.env.facts)
    const everyMs = every === null ? null : every * 1000
    await rolls.schedule(c.var.account, named(c.req.param()), everyMs, facts)
    return c.body(null, 204)
  })

  api.post('/:organization/:name/key/set', async (c) => {
    const { key } = await readJson(c, SetKeyBody)
    const facts = requestContext(c.env.facts)
    await rolls.set(c.var.account, named(c.req.param()), key, facts)
    return c.body(null, 204)
  })

  return api
}

function named({ organization, name }: RackName): RackName {
  return { organization, name }
}

function wholeName({ organization, name }: RackName): string {
  return `${organization.trim().toLowerCase()}/${name.trim().toLowerCase()}`
}
