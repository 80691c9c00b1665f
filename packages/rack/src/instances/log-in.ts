import { Socket } from 'node:net'
import { KeyrackError } from '@keyrack/protocol'
import ssh2, { type Client } from 'ssh2'
import type { Engine } from '../engines/engine.ts'
import type { KnownInstances } from './known-instances.ts'
import type { LoginKey } from './ssh-keys.ts'

export interface InstanceAccess {
  engine: Engine
  knownInstances: Pick<KnownInstances, 'verify'>
}

export interface LoggedIn {
  client: Client
  /** The generation that the instance accepted; those offered before it were refused. */
  generation: number
}

/** The instance was reached and showed its own host key, and refused every key that was offered. */
export class LoginRefused extends KeyrackError {
  constructor(instanceId: string, cause: unknown) {
    super('rack-broken', `instance ${instanceId} refuses the SSH key of this Rack`, {
      hint: `give it the key again with: convox instances rekey ${instanceId}; or replace it with: convox instances terminate ${instanceId}`,
      cause,
    })
  }
}

const READY_TIMEOUT_MS = 15_000
/** An instance that vanished without a word is noticed within three of these. */
const KEEPALIVE_MS = 15_000
/** OpenSSH ends a connection at the sixth refused key (MaxAuthTries), without saying that it was. */
const MOST_OFFERS = 5

/**
 * Connects to an instance, checks its host key, and offers the keys one after the other on that one
 * connection until one is accepted. The caller closes the client.
 */
export async function logIn(
  { engine, knownInstances }: InstanceAccess,
  instanceId: string,
  keys: readonly LoginKey[],
  signal: AbortSignal,
): Promise<LoggedIn> {
  const offers = keys.slice(0, MOST_OFFERS).map(({ generation, privateKey }) => {
    // Parsed here: a key that the library cannot read would be passed over as if it were refused.
    const key = ssh2.utils.parseKey(privateKey.reveal())
    if (key instanceof Error) throw new TypeError(`generation ${generation} cannot be read`)
    return { generation, key }
  })
  signal.throwIfAborted()
  const socket = await engine.dial(instanceId, signal)
  // Without this a command takes 179 ms instead of 4 (design 4).
  if (socket instanceof Socket) socket.setNoDelay(true)

  return new Promise((resolve, reject) => {
    const client = new ssh2.Client()
    let hostKeyProblem: unknown
    let offered = -1
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
      const accepted = offers[offered]
      if (accepted === undefined) fail(new TypeError('a login without a key'))
      else resolve({ client, generation: accepted.generation })
    })
    client.connect({
      sock: socket,
      username: engine.sshUser,
      readyTimeout: READY_TIMEOUT_MS,
      keepaliveInterval: KEEPALIVE_MS,
      // One kind of host key, so that an instance cannot show a kind that was never recorded.
      algorithms: { serverHostKey: ['ssh-ed25519'] },
      authHandler: (_left, partialSuccess, next) => {
        // Accepted, but not alone: for a proof of refusal that is no refusal.
        if (partialSuccess) return fail(loginFailed(instanceId, new Error('it asks for more')))
        offered += 1
        const offer = offers[offered]
        if (offer === undefined) return fail(new LoginRefused(instanceId, undefined))
        next({ type: 'publickey', username: engine.sshUser, key: offer.key })
      },
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

export function unreachable(instanceId: string, cause: unknown): KeyrackError {
  return new KeyrackError('rack-broken', `instance ${instanceId} cannot be reached`, {
    hint: 'look at its status with: convox instances',
    cause,
  })
}

function loginFailed(instanceId: string, cause: unknown): KeyrackError {
  return new KeyrackError('rack-broken', `cannot log in to instance ${instanceId}`, {
    hint: `look at its status with: convox instances; or replace it with: convox instances terminate ${instanceId}`,
    cause,
  })
}
