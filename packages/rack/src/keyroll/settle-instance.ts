import type { Client } from 'ssh2'
import { type InstanceAccess, type LoggedIn, LoginRefused, logIn } from '../instances/log-in.ts'
import { disconnect } from '../instances/ssh-connection.ts'
import type { LoginKey, SshKeys } from '../instances/ssh-keys.ts'
import { changeAuthorizedKeys } from './change-authorized-keys.ts'
import { InstanceProblem } from './instance-problem.ts'
import type { Point } from './keyroll-points.ts'
import type { KeyrollRecords } from './keyroll-records.ts'

export interface SettleParts {
  access: InstanceAccess
  sshKeys: SshKeys
  records: KeyrollRecords
  point: Point
}

export interface Settling {
  rollId: string
  instanceId: string
  /** The one generation that is to open the instance. */
  generation: number
  signal: AbortSignal
}

/**
 * Makes one generation the only one of ours that opens an instance, in an order that cannot lock
 * anybody out: the new line is added, the new key logs in, only then the old lines go, and last
 * each old key is offered and refused on a connection that then takes the new one. Every step may be
 * repeated, so an interrupted one begins again at the front.
 */
export async function settleInstance(parts: SettleParts, settling: Settling): Promise<void> {
  const { access, sshKeys, records, point } = parts
  const { rollId, instanceId, generation, signal } = settling
  const live = await sshKeys.live()
  const line = live.find((one) => one.generation === generation)?.line
  if (line === undefined) throw new TypeError(`generation ${generation} is destroyed`)
  const newKey = await sshKeys.open(generation)

  await point('before an instance')
  const keys = await sshKeys.keysFor(instanceId)
  await using(logIn(access, instanceId, keys, signal), async ({ client }) => {
    await records.adding(rollId, instanceId, generation)
    await point('before the line is added')
    await changeAuthorizedKeys(client, { line, only: false }, signal)
    await point('line added')
  })

  await using(proven(access, instanceId, newKey, signal), async ({ client }) => {
    await point('new key proven')
    await records.removing(rollId, instanceId, generation)
    await point('new key recorded')
    await point('before the old line is removed')
    await changeAuthorizedKeys(client, { line, only: true }, signal)
    await point('old line removed')
  })

  for (const old of live.filter((one) => one.generation !== generation)) {
    const oldKey = await sshKeys.open(old.generation)
    await using(proven(access, instanceId, newKey, signal, oldKey), async () => {})
  }
  await point('old key refused')
  await records.settled(rollId, instanceId, generation)
  await point('instance recorded')
}

/** Logs in with the new key; an old one that is offered before it has to be refused. */
async function proven(
  access: InstanceAccess,
  instanceId: string,
  newKey: LoginKey,
  signal: AbortSignal,
  oldKey?: LoginKey,
): Promise<LoggedIn> {
  const offers = oldKey === undefined ? [newKey] : [oldKey, newKey]
  let loggedIn: LoggedIn
  try {
    loggedIn = await logIn(access, instanceId, offers, signal)
  } catch (error) {
    if (!(error instanceof LoginRefused)) throw error
    throw new InstanceProblem(
      oldKey === undefined
        ? 'the new key was added there and is refused, so the old one stays'
        : 'the new key is refused there',
    )
  }
  if (loggedIn.generation === newKey.generation) return loggedIn
  disconnect(loggedIn.client)
  throw new InstanceProblem(
    `generation ${loggedIn.generation} of the key still opens it; look for its line in authorized_keys`,
  )
}

async function using(
  connecting: Promise<LoggedIn>,
  work: (loggedIn: LoggedIn) => Promise<void>,
): Promise<void> {
  const loggedIn: { client: Client; generation: number } = await connecting
  try {
    await work(loggedIn)
  } finally {
    disconnect(loggedIn.client)
  }
}
