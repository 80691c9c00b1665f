import { KeyrackError } from '@keyrack/protocol'
import type { Client } from '@keyrack/protocol/client'
import { Processes, System } from '@keyrack/protocol/resources'
import type { Secret } from '@keyrack/secrets'
import type { Act, Outcome, RollActs } from '../act.ts'
import { between } from '../point.ts'
import { rackClient } from '../rack-client.ts'
import { tryKey, tryKeyEverywhere } from '../try-key.ts'

/** A balancer may send a question to any task, so one answer says little. */
const TRIES = 5
const POLL_MS = 1_000

/**
 * Official Racks of generations 1 and 2 take one key at a time: their `Password` parameter
 * (protocol.md 5.2, 5.3). Once it is set nothing leads back but another roll, and while the Rack's
 * web tasks are replaced each of the two keys is refused by some of them.
 */
export function parameterActs(method: 'system-parameter' | 'app-parameter'): RollActs {
  return {
    stage: (act) => stage(act, method),
    verify,
    endLater: async () => {
      throw new TypeError('an official Rack has no grace')
    },
    // Setting the parameter has ended the old key, where the tasks have been replaced.
    async retire(act) {
      await restartWebTasks(act)
      return { kind: 'done' }
    },
    // Nothing tells whether the parameter was set, so nothing is taken back; see cancel-roll.ts.
    withdraw: async () => ({
      kind: 'back',
      to: 'verifying',
      reason: 'the Rack may have taken the new key',
    }),
  }
}

async function stage(act: Act, method: 'system-parameter' | 'app-parameter'): Promise<Outcome> {
  const { domain, rack, k0, k1 } = act
  if (await isTaken(act, k1)) return { kind: 'done' }
  if (!(await isTaken(act, k0))) {
    const reason = 'the Rack refuses both keys; enter the one it takes: convox rack key set'
    return { kind: 'back', to: 'staging', reason }
  }
  const client = rackClient(domain.guard, rack, k0)
  const { name, status } = await readSystem(client)
  if (status !== 'running') return waits(domain, status)
  const answer = await between(domain.point, 'call set parameter', () =>
    setPassword(client, method, name, k1),
  )
  if (answer.status < 300 || /no updates are to be performed/i.test(answer.body)) {
    return { kind: 'done' }
  }
  // An earlier try may have been taken, so the new key is never destroyed here, whatever is answered.
  const reason = `the Rack answered ${answer.status} to its new parameter`
  return { kind: 'back', to: 'staging', reason }
}

/** Whether any of its tasks takes the key. */
async function isTaken({ domain, rack }: Act, key: Secret): Promise<boolean> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    if ((await tryKey(domain.guard, rack, key)) === 'accepted') return true
  }
  return false
}

function setPassword(client: Client, method: string, name: string, key: Secret) {
  const parameter = { Password: key.reveal() }
  if (method === 'app-parameter') {
    const path = `/apps/${encodeURIComponent(name)}/parameters`
    return client.request('POST', path, { form: parameter, anyStatus: true })
  }
  // One field that holds a form of its own (protocol.md 5.2).
  const parameters = new URLSearchParams(parameter).toString()
  return client.request('PUT', '/system', { form: { parameters }, anyStatus: true })
}

/** Done when the Rack runs and takes the new key on every fresh connection. */
async function verify(act: Act): Promise<Outcome> {
  const { domain, rack, k1 } = act
  const { guard, point } = domain
  const { status } = await withEitherKey(act, readSystem)
  if (status !== 'running') return waits(domain, status)
  for (let tries = 0; tries < TRIES; tries += 1) {
    const { refused } = await between(point, 'call verify', () => tryKeyEverywhere(guard, rack, k1))
    if (refused.length === 0) continue
    await restartWebTasks(act)
    const reason = "the Rack's web tasks take the new key when they are restarted"
    return { kind: 'back', to: 'verifying', reason }
  }
  return { kind: 'done' }
}

function waits({ clock }: Act['domain'], status: string): Outcome {
  return { kind: 'waits', reason: `the Rack is ${status}`, until: clock() + POLL_MS }
}

/** The tasks read their key when they start only. A Rack that offers no way is left to its operator. */
async function restartWebTasks(act: Act): Promise<void> {
  const { name } = await withEitherKey(act, readSystem)
  const listed = await withEitherKey(act, (client) =>
    client.get('/system/processes', (value) => Processes.parse(value)),
  ).catch(() => [])
  // Those that were started since have read the new one.
  const old = listed.filter((one) => !(Date.parse(one.started) > act.roll.started_at))
  for (const { id } of old.filter((one) => one.name === 'web')) {
    const path = `/apps/${encodeURIComponent(name)}/processes/${encodeURIComponent(id)}`
    await withEitherKey(act, (client) => client.request('DELETE', path)).catch(() => undefined)
  }
}

/** While tasks are replaced each of them takes one of the two keys, and nobody chooses whom a question meets. */
async function withEitherKey<T>(
  { domain, rack, k0, k1 }: Act,
  ask: (client: Client) => Promise<T>,
): Promise<T> {
  let refusal: unknown
  for (let tries = 0; tries < TRIES; tries += 1) {
    // In turns, or two tasks that are asked in turns would each be shown the wrong one for ever.
    for (const key of tries % 2 === 0 ? [k1, k0] : [k0, k1]) {
      try {
        return await ask(rackClient(domain.guard, rack, key))
      } catch (error) {
        if (!(error instanceof KeyrackError) || error.code !== 'unauthenticated') throw error
        refusal = error
      }
    }
  }
  throw refusal
}

async function readSystem(client: Client): Promise<System> {
  return client.get('/system', (value) => System.parse(value))
}
