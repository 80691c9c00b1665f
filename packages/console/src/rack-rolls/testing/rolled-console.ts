import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Secret } from '@keyrack/secrets'
import { afterAll, beforeAll } from 'vitest'
import { type ServedConsole, serveFounded } from '../../http/testing/serve-console.ts'
import { createAddressGuard } from '../../proxy/address-guard.ts'
import { openRackKey } from '../../racks/open-rack-key.ts'
import { eventually } from '../../testing/eventually.ts'
import { tryKey } from '../try-key.ts'
import { type RunningRack, runRack } from './running-rack.ts'

/** One real Rack for all tests of a file; each has a Console of its own that takes it over. */
export function shareRunningRack(): () => RunningRack {
  let shared: RunningRack | undefined
  const folder = mkdtempSync(join(tmpdir(), 'keyrack-rolls-'))
  beforeAll(async () => {
    shared = await runRack(folder)
  })
  afterAll(async () => {
    await shared?.kill('SIGTERM')
    rmSync(folder, { recursive: true, force: true })
  })
  return () => {
    if (shared === undefined) throw new TypeError('the shared Rack runs within tests only')
    return shared
  }
}

/** The key that a Rack takes now, as the last test has left it. */
const PRESENT = new WeakMap<RunningRack, Secret>()

export interface RollJson {
  id: string
  rack: string
  state: string
  detail: string
  error: string | null
  grace_until: number | null
  uses: Array<{ address: string; client: string }>
}

export interface RolledConsole extends ServedConsole {
  account: { id: string }
  key: string
  rack: RunningRack
  /** `/api/racks/acme/live/key` */
  path: string
  /** What the Console holds now. */
  held(): Secret
  takes(key: Secret): Promise<boolean>
  roll(body?: Record<string, unknown>): Promise<RollJson>
  state(): Promise<RollJson>
  /** Waits for a state of the roll. */
  until(state: string): Promise<RollJson>
  notes(): Promise<string[]>
}

/** A Console with its founder and a real Rack, acme/live. */
export async function rolledConsole(
  rack: RunningRack,
  env: Record<string, string> = {},
): Promise<RolledConsole> {
  const served = await serveFounded(env)
  const { ask, key, domain } = served
  const guard = createAddressGuard([])
  const added = await ask('/api/racks', {
    key,
    body: {
      organization: 'acme',
      name: 'live',
      host: rack.host,
      key: (PRESENT.get(rack) ?? rack.key).reveal(),
      fingerprint: rack.fingerprint,
      take_over: true,
    },
  })
  if (added.status !== 201) throw new Error(added.text)
  const { id } = added.json as { id: string }
  const path = '/api/racks/acme/live/key'
  const held = (): Secret => {
    const entry = domain.directory.rackById(id)
    if (entry === undefined) throw new TypeError('the Rack is gone')
    const present = openRackKey(domain.keyring, entry)
    PRESENT.set(rack, present)
    return present
  }
  const state = async (): Promise<RollJson> => {
    const answer = await ask(`${path}/roll`, { key })
    if (answer.status !== 200) throw new Error(answer.text)
    return answer.json as RollJson
  }
  const place = { url: rack.url, pin: rack.fingerprint, local: true }
  return {
    ...served,
    rack,
    path,
    held,
    takes: async (candidate) => (await tryKey(guard, place, candidate)) === 'accepted',
    async roll(body = {}) {
      const answer = await ask(`${path}/roll`, { key, body })
      if (answer.status >= 300) throw new Error(answer.text)
      return answer.json as RollJson
    },
    state,
    async until(wanted) {
      let last = ''
      const found = await eventually(`a roll that is ${wanted}`, async () => {
        const now = await state()
        last = JSON.stringify(now)
        return now.state === wanted ? now : undefined
      }).catch((error: unknown) => {
        throw new Error(`${String(error)}; it is ${last}\n${domain.lines.slice(-5).join('')}`)
      })
      held()
      return found
    },
    async notes() {
      const rows = await domain.store.db
        .selectFrom('audit')
        .where('action', 'like', 'rack.key.%')
        .where('phase', '=', 'finished')
        .orderBy('at')
        .orderBy('sequence')
        .select('note')
        .execute()
      return rows.map((row) => row.note ?? '')
    },
  }
}
