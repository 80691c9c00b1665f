import { Socket } from 'node:net'
import { KeyrackError } from '@keyrack/protocol'
import { Client } from 'ssh2'
import type { Engine } from '../engines/engine.ts'
import type { KnownInstances } from './known-instances.ts'
import type { SshKeys } from './ssh-keys.ts'

export interface SshAccess {
  engine: Engine
  sshKeys: SshKeys
  knownInstances: KnownInstances
}

const READY_TIMEOUT_MS = 15_000
/** An instance that vanished without a word is noticed within three of these. */
const KEEPALIVE_MS = 15_000
/** How long our own disconnect message may take before the socket is dropped. */
const GOODBYE_MS = 2_000

/** Logs in to an instance, after its host key has been checked. The caller closes the client. */
export async function connectToInstance(
  { engine, sshKeys, knownInstances }: SshAccess,
  instanceId: string,
  signal: AbortSignal,
): Promise<Client> {
  const privateKey = await sshKeys.privateKey()
  signal.throwIfAborted()
  const socket = await engine.dial(instanceId, signal)
  // Without this a command takes 179 ms instead of 4 (design 4).
  if (socket instanceof Socket) socket.setNoDelay(true)

  return new Promise((resolve, reject) => {
    const client = new Client()
    let hostKeyProblem: unknown
    const fail = (error: unknown): void => {
      signal.removeEventListener('abort', aborted)
      reject(error)
      socket.destroy()
    }
    const aborted = (): void => fail(signal.reason)
    signal.addEventListener('abort', aborted, { once: true })
    if (signal.aborted) return aborted()

    // Stays for the connection's whole life: an error after the login ends its channels, which is
    // where it is reported.
    client.on('error', (cause) => fail(hostKeyProblem ?? loginFailed(instanceId, cause)))
    client.once('close', () => {
      fail(hostKeyProblem ?? loginFailed(instanceId, new Error('the connection was closed')))
    })
    client.once('ready', () => {
      signal.removeEventListener('abort', aborted)
      resolve(client)
    })
    client.connect({
      sock: socket,
      username: engine.sshUser,
      privateKey: privateKey.reveal(),
      readyTimeout: READY_TIMEOUT_MS,
      keepaliveInterval: KEEPALIVE_MS,
      // One kind of host key, so that an instance cannot show a kind that was never recorded.
      algorithms: { serverHostKey: ['ssh-ed25519'] },
      hostVerifier: (key: Buffer, verify: (accepted: boolean) => void) => {
        knownInstances.verify(instanceId, key).then(
          () => verify(true),
          (error: unknown) => {
            hostKeyProblem = error
            verify(false)
          },
        )
      },
    })
  })
}

/** Says goodbye, and drops the socket when that takes too long. */
export function disconnect(client: Client): void {
  client.end()
  const timer = setTimeout(() => client.destroy(), GOODBYE_MS)
  timer.unref()
  client.once('close', () => clearTimeout(timer))
}

function loginFailed(instanceId: string, cause: unknown): KeyrackError {
  return new KeyrackError('rack-broken', `cannot log in to instance ${instanceId}`, {
    hint: `look at its status with: convox instances; or replace it with: convox instances terminate ${instanceId}`,
    cause,
  })
}
