import { hashApiKey } from '@keyrack/secrets'
import { type Act, CannotGoOn, type Outcome, type RollActs } from '../act.ts'
import { writeKeyCopy } from '../key-copy.ts'
import { between } from '../point.ts'
import { isAnswer, RackRefusal, rackKeyRoutes } from '../rack-key-routes.ts'
import { tryKey, tryKeyEverywhere } from '../try-key.ts'

/** Our own Racks: both keys work until the old one is retired. */
export const twoKeys: RollActs = { stage, verify, endLater, retire, withdraw }

async function stage(act: Act): Promise<Outcome> {
  const { roll, rack, k0, k1, sealedK1, domain } = act
  const routes = rackKeyRoutes(domain.guard, rack, k0)
  const copy = writeKeyCopy({ version: roll.new_version, sealed: sealedK1 })
  const staging = { roll: roll.id, hash: hashApiKey(k1), copy }
  try {
    await between(domain.point, 'call stage', () => routes.stage(staging))
    return { kind: 'done' }
  } catch (error) {
    if (isAnswer(error, 401)) return whenOldKeyIsRefused(act)
    if (isAnswer(error, 409)) return whenAnotherRollIsThere(act, error)
    if (error instanceof RackRefusal && error.answered < 500 && error.answered !== 429) {
      throw new CannotGoOn(error.message)
    }
    throw error
  }
}

/** The Console may know less than the Rack: its database was restored from before the roll's end. */
async function whenOldKeyIsRefused({ domain, rack, k1 }: Act): Promise<Outcome> {
  if ((await tryKey(domain.guard, rack, k1)) === 'accepted') {
    return { kind: 'done', note: 'the Rack had taken the new key already' }
  }
  throw new CannotGoOn(
    'the Rack refuses the key that the Console holds; enter the right one with: convox rack key set',
  )
}

/**
 * A roll at the Rack that is none of this Console's open ones: one of the two was restored from a
 * backup, or a key was entered by hand. Nobody else will ever end it: a Rack has one Console.
 */
async function whenAnotherRollIsThere(act: Act, refusal: unknown): Promise<Outcome> {
  const { domain, roll, rack, k0 } = act
  const routes = rackKeyRoutes(domain.guard, rack, k0)
  const { staged, ending, authenticated_by: held } = await routes.status()
  if (held === 'ending') {
    throw new CannotGoOn('the Rack has a newer key than this Console, which is looked for')
  }
  if (staged !== null && staged.roll !== roll.id) {
    // Put back into that roll, the Rack has as its successor the key that this Console holds.
    if (held === 'staged') return endUnknown(act, staged.roll)
    await between(domain.point, 'call unstage unknown', () => routes.unstage(staged.roll))
    return again(act, `the unknown roll ${staged.roll} was removed`)
  }
  // Whoever wants a new key now, wants the one before the last to be gone.
  if (ending !== null) return endUnknown(act, ending.roll)
  throw new CannotGoOn(refusal instanceof Error ? refusal.message : 'the Rack refused the new key')
}

async function endUnknown(act: Act, roll: string): Promise<Outcome> {
  const { domain, rack, k0 } = act
  const routes = rackKeyRoutes(domain.guard, rack, k0)
  await between(domain.point, 'call end unknown', () =>
    routes.retire({ roll, keep: hashApiKey(k0), notAfter: 0 }),
  )
  return again(act, `the old key of the unknown roll ${roll} was ended`)
}

function again({ domain, roll }: Act, reason: string): Outcome {
  domain.log.warn({ rack: roll.rack_id, reason }, 'a roll that no Console goes on with was ended')
  return { kind: 'back', to: 'staging', reason }
}

async function verify({ domain, rack, k1 }: Act): Promise<Outcome> {
  const { accepted, refused } = await between(domain.point, 'call verify', () =>
    tryKeyEverywhere(domain.guard, rack, k1),
  )
  if (refused.length === 0 && accepted.length > 0) return { kind: 'done' }
  return { kind: 'back', to: 'staging', reason: `the new key is refused at ${list(refused)}` }
}

async function endLater(act: Act, notAfter: number): Promise<void> {
  const { domain, rack, k1 } = act
  const routes = rackKeyRoutes(domain.guard, rack, k1)
  const retireLater = () => routes.retire(retirement(act, notAfter))
  try {
    await between(domain.point, 'call retire later', retireLater)
  } catch (error) {
    if (!isAnswer(error, 401)) throw error
    await tellAgain(act, error)
    await retireLater()
  }
}

async function retire(act: Act): Promise<Outcome> {
  const { domain, rack, k1 } = act
  const routes = rackKeyRoutes(domain.guard, rack, k1)
  try {
    const { generation } = await between(domain.point, 'call retire', () =>
      routes.retire(retirement(act, 0)),
    )
    return { kind: 'done', generation }
  } catch (error) {
    if (!isAnswer(error, 401) && !isAnswer(error, 409)) throw error
    await tellAgain(act, error)
    return { kind: 'back', to: 'retiring', reason: 'the Rack had forgotten the new key' }
  }
}

/** Restored from a backup, the Rack knows the old key only, and is told of the new one once more. */
async function tellAgain(act: Act, error: unknown): Promise<void> {
  const { domain, roll, rack, k0 } = act
  if ((await tryKey(domain.guard, rack, k0)) === 'refused') throw error
  domain.log.error({ rack: roll.rack_id }, 'the Rack has forgotten its new key; told again')
  await stage(act)
}

function retirement({ roll, k0, k1 }: Act, notAfter: number) {
  return { roll: roll.id, keep: hashApiKey(k1), drop: hashApiKey(k0), notAfter }
}

async function withdraw({ domain, roll, rack, k0, k1 }: Act): Promise<Outcome> {
  const routes = rackKeyRoutes(domain.guard, rack, k0)
  try {
    await between(domain.point, 'call unstage', () => routes.unstage(roll.id))
  } catch (error) {
    // Refused or unknown there: what counts is that the new key does not work.
    if (!isAnswer(error, 401) && !isAnswer(error, 404)) throw error
  }
  const verdict = await between(domain.point, 'call prove cancelled', () =>
    tryKey(domain.guard, rack, k1),
  )
  if (verdict === 'refused') return { kind: 'done' }
  if ((await tryKey(domain.guard, rack, k0)) === 'accepted') {
    return { kind: 'waits', reason: 'the Rack accepts the new key still' }
  }
  // The only key that works is never destroyed.
  return { kind: 'back', to: 'verifying', reason: 'the Rack takes the new key only' }
}

function list(addresses: readonly string[]): string {
  return addresses.length === 0 ? 'every address' : addresses.join(', ')
}
