import type { Client } from 'ssh2'
import type { Engine } from '../engines/engine.ts'
import type { KnownInstances } from './known-instances.ts'
import { logIn } from './log-in.ts'
import type { SshKeys } from './ssh-keys.ts'

export interface SshAccess {
  engine: Engine
  sshKeys: SshKeys
  knownInstances: KnownInstances
}

/** How long our own disconnect message may take before the socket is dropped. */
const GOODBYE_MS = 2_000

/** Logs in to an instance with the newest key that it has. The caller closes the client. */
export async function connectToInstance(
  access: SshAccess,
  instanceId: string,
  signal: AbortSignal,
): Promise<Client> {
  const keys = await access.sshKeys.keysFor(instanceId)
  const { client } = await logIn(access, instanceId, keys, signal)
  return client
}

/** Says goodbye, and drops the socket when that takes too long. */
export function disconnect(client: Client): void {
  client.end()
  const timer = setTimeout(() => client.destroy(), GOODBYE_MS)
  timer.unref()
  client.once('close', () => clearTimeout(timer))
}
