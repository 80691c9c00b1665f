import { serveFounded } from '../../http/testing/serve-console.ts'
import { OFFICIAL_KEY, type OfficialRack, startOfficialRack } from './official-rack.ts'

/** A Console with its founder, and what she types to add a Rack. */
export async function consoleAndRack(env: Record<string, string> = {}) {
  const served = await serveFounded(env)
  const rack = await startOfficialRack()
  const add = (changes: Record<string, unknown> = {}, key = served.key) =>
    served.ask('/api/racks', { key, body: { ...addBody(rack), ...changes } })
  return { ...served, rack, add }
}

/** As above, with the Rack added as acme/live. */
export async function consoleWithRack() {
  const served = await consoleAndRack()
  const added = await served.add()
  if (added.status !== 201) throw new Error(added.text)
  return served
}

export function addBody(rack: OfficialRack) {
  return {
    organization: 'acme',
    name: 'live',
    host: rack.host,
    key: OFFICIAL_KEY,
    fingerprint: rack.fingerprint,
  }
}
