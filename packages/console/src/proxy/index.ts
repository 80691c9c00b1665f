/**
 * CRITICAL: the proxy. A request passes six named steps, one file each, in this order:
 * authenticate-user, find-rack, authorize, attach-rack-key, forward, record.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { KeyrackError, type NormalPath } from '@keyrack/protocol'
import type { Keyring } from '@keyrack/secrets'
import type { AuditLog } from '../audit/audit-log.ts'
import type { Actor, Directory, RackEntry } from '../directory.ts'
import type { KeyAuthenticator } from '../http/key-authenticator.ts'
import type { ConsoleIdentity } from '../rack-rolls/console-identity.ts'
import type { RackRolls } from '../rack-rolls/rack-rolls.ts'
import { openRackKey } from '../racks/open-rack-key.ts'
import { refuseBadHandshake, refuseUnacceptable } from './acceptable.ts'
import { createAddressGuard } from './address-guard.ts'
import { attachRackKey } from './attach-rack-key.ts'
import { type Authorized, authorize } from './authorize.ts'
import { ClientGone } from './describe-failure.ts'
import { displayName, findRack } from './find-rack.ts'
import { forward } from './forward.ts'
import { joinSockets, upgradeAtRack } from './forward-upgrade.ts'
import { nameActor } from './name-actor.ts'
import { noticedStatus } from './noticed-status.ts'
import { createRackConnections } from './rack-connections.ts'
import { readGuardedBody } from './rack-password-guard.ts'
import { type Recording, record } from './record.ts'
import { refuseUpgrade } from './refuse-upgrade.ts'

export interface ProxyOptions {
  directory: Directory
  keyring: Keyring
  audit: AuditLog
  /** As whom the Console speaks to Racks of our kind. */
  identity: ConsoleIdentity
  /** Told which key each request takes, and what Racks say of theirs. */
  rolls: Pick<RackRolls, 'begin' | 'heard' | 'refused'>
  /** Private networks (CIDR) in which Racks may be. */
  rackNetworks: readonly string[]
  /** Step 1, shared with the Console's own routes. */
  authenticate: KeyAuthenticator
  /** What a stream waits for before it is looked up whose it is; requests have waited already. */
  beforeDirectory?: (authorization: string | undefined) => Promise<void> | undefined
  /** Told of failures that are the Console's own fault. */
  failed: (error: unknown, requestId: string) => void
}

/** What the listener knows; the proxy fills in what it finds out, for the access log. */
export interface ProxyFacts {
  readonly requestId: string
  readonly address: string
  actorId: string | null
  route: string
}

/** `target` is the listener's reading of the URL: what was checked is what is matched and forwarded. */
export interface RackProxy {
  /** Answers, or throws what the listener is to answer. */
  request(
    client: IncomingMessage,
    answer: ServerResponse,
    target: NormalPath,
    facts: ProxyFacts,
  ): Promise<void>
  /** Always upgrades; a refusal is said inside the stream. */
  upgrade(
    client: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    target: NormalPath,
    facts: ProxyFacts,
  ): Promise<void>
  /** Ends everything that is under way with a Rack that was removed, and lets nothing new begin. */
  forget(rackId: string): void
  close(): Promise<void>
}

interface Outcome {
  status: number
  note?: string
  error?: unknown
}

interface Prepared extends Authorized, NormalPath {
  actor: Actor
  rack: RackEntry
}

export function createProxy(options: ProxyOptions): RackProxy {
  const { directory, keyring, audit, rolls } = options
  const connections = createRackConnections(createAddressGuard(options.rackNetworks))

  function identify({ headers }: IncomingMessage, { address }: ProxyFacts): Actor {
    return options.authenticate(headers.authorization, address, headers['user-agent'])
  }

  function prepare(
    client: IncomingMessage,
    target: NormalPath,
    facts: ProxyFacts,
    socket: boolean,
  ): Prepared {
    refuseUnacceptable(client)
    if (socket) refuseBadHandshake(client)
    const actor = identify(client, facts)
    facts.actorId = actor.id
    const rack = findRack(directory, actor, headerText(client, 'rack'))
    const authorized = authorize(actor, rack, client.method ?? '', target.path, socket)
    facts.route = authorized.route.name
    return { ...authorized, ...target, actor, rack }
  }

  /**
   * The key of this very moment, which may be a newer one than when the Rack was found: from here
   * until `through` is called a roll does not end it.
   */
  function attach(
    client: IncomingMessage,
    { route, rack }: Prepared,
    requestId: string,
    recording: Recording,
  ) {
    const { rawHeaders } = client
    const actor = nameActor(options.identity, rack, recording)
    const now = directory.rackById(rack.id) ?? rack
    const rackKey = openRackKey(keyring, now)
    const headers = attachRackKey({ rawHeaders, route, rackKey, requestId })
    return { headers: [...headers, ...actor], through: rolls.begin(now) }
  }

  function begin(client: IncomingMessage, prepared: Prepared, facts: ProxyFacts) {
    const { actor, rack, route, path } = prepared
    const { requestId, address } = facts
    const method = client.method ?? ''
    return record(audit, { actor, rack, route, path, method, requestId, address })
  }

  /** Upgraded ones, which no HTTP server closes, each with what throws once its right is gone. */
  const sockets = new Map<Duplex, () => void>()
  directory.onChange(() => {
    for (const [socket, stillAllowed] of sockets) {
      try {
        stillAllowed()
      } catch {
        // A shell must not outlive the key or the role that opened it.
        socket.destroy()
      }
    }
  })
  function allowAgain(client: IncomingMessage, { rack, path }: Prepared, facts: ProxyFacts): void {
    const actor = identify(client, facts)
    const now = directory.racksOf(actor).find(({ id }) => id === rack.id)
    if (now === undefined) throw new KeyrackError('not-found', 'this Rack is gone')
    authorize(actor, now, client.method ?? '', path, true)
  }
  // What has been begun is recorded to its end before the proxy counts as closed.
  const underWay = new Set<Promise<void>>()
  function track(work: Promise<void>): Promise<void> {
    const settled = work.catch(() => undefined).finally(() => underWay.delete(settled))
    underWay.add(settled)
    return work
  }

  function notice(rack: RackEntry, error?: unknown): void {
    const status = noticedStatus(error)
    if (status !== undefined) directory.setRackStatus(rack.id, status)
    if (status === 'failed') rolls.refused(rack.id)
  }

  /** The last row. What it is about has happened, so failing to write it fails nothing else. */
  async function finish(recording: Recording, facts: ProxyFacts, outcome: Outcome) {
    try {
      await recording.finished(outcome.status, outcome.note)
    } catch (error) {
      options.failed(error, facts.requestId)
    }
  }

  /** The rights are looked at again after a body, which may have been days on its way. */
  async function readGuarded(client: IncomingMessage, prepared: Prepared, facts: ProxyFacts) {
    const body = await readGuardedBody(client, prepared.query).catch((error: unknown) => {
      throw client.socket.destroyed ? new ClientGone() : error
    })
    return { ...prepare(client, prepared, facts, false), body }
  }

  async function proxyRequest(
    client: IncomingMessage,
    answer: ServerResponse,
    target: NormalPath,
    facts: ProxyFacts,
  ) {
    let prepared: Prepared & { body?: Buffer } = prepare(client, target, facts, false)
    try {
      if (prepared.route.guard !== undefined) prepared = await readGuarded(client, prepared, facts)
      const recording = await begin(client, prepared, facts)
      const outcome = await forwarded(client, answer, { ...prepared, recording }, facts)
      await finish(recording, facts, outcome)
      if (outcome.error !== undefined) throw outcome.error
    } catch (error) {
      if (!answer.headersSent && !(error instanceof ClientGone)) throw error
      // Part of the answer is out: only a cut connection says that it is not whole.
      answer.destroy()
    }
  }

  async function forwarded(
    client: IncomingMessage,
    answer: ServerResponse,
    prepared: Prepared & { recording: Recording; body?: Buffer },
    facts: ProxyFacts,
  ): Promise<Outcome> {
    const { rack, route, path, query, body, recording } = prepared
    const { headers, through } = attach(client, prepared, facts.requestId, recording)
    try {
      const status = await forward(client, answer, {
        pool: connections.pool(rack),
        rackName: displayName(rack),
        method: client.method ?? '',
        target: query === '' ? path : `${path}?${query}`,
        headers,
        audited: route.audited,
        requestId: facts.requestId,
        answered(generation) {
          through()
          if (generation !== undefined) rolls.heard(rack.id, generation)
        },
        ...(body === undefined ? {} : { body }),
      })
      notice(rack)
      return { status }
    } catch (error) {
      notice(rack, error)
      return { status: statusOf(error), note: noteOf(error), error }
    } finally {
      through()
    }
  }

  async function proxyUpgrade(
    client: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    target: NormalPath,
    facts: ProxyFacts,
  ) {
    // The client's leaving stops what is under way.
    const aborter = new AbortController()
    socket.on('error', () => socket.destroy())
    socket.once('close', () => {
      sockets.delete(socket)
      aborter.abort()
    })
    sockets.set(socket, () => undefined)
    let exitCode = endsWithExitCode(client)
    let recording: Recording | undefined
    try {
      await options.beforeDirectory?.(client.headers.authorization)
      const prepared = prepare(client, target, facts, true)
      sockets.set(socket, () => allowAgain(client, prepared, facts))
      exitCode = prepared.route.exitCode ?? false
      recording = await begin(client, prepared, facts)
      const { rack, path } = prepared
      const { headers, through } = attach(client, prepared, facts.requestId, recording)
      // Never a query on a stream: options are headers (protocol.md 7.1).
      const upgrade = { rack, target: path, headers }
      const rackSocket = await upgradeAtRack(client, connections, upgrade, aborter.signal)
        .catch((error: unknown) => {
          if (!aborter.signal.aborted) notice(rack, error)
          throw error
        })
        .finally(through)
      notice(rack)
      await joinSockets(client, { socket, head }, rackSocket, facts.requestId)
      await finish(recording, facts, { status: 101 })
    } catch (error) {
      if (!(error instanceof KeyrackError)) options.failed(error, facts.requestId)
      if (!socket.destroyed) {
        const { requestId } = facts
        refuseUpgrade(client, socket, head, shown(error, requestId), { exitCode, requestId })
      }
      const gone = aborter.signal.aborted ? new ClientGone() : error
      if (recording === undefined) return
      await finish(recording, facts, { status: statusOf(gone), note: noteOf(gone) })
    }
  }

  return {
    request: (client, answer, target, facts) => track(proxyRequest(client, answer, target, facts)),
    async upgrade(client, socket, head, target, facts) {
      try {
        await track(proxyUpgrade(client, socket, head, target, facts))
      } catch (error) {
        options.failed(error, facts.requestId)
        socket.destroy()
      }
    },
    // Its streams have been cut when the directory lost it.
    forget: (rackId) => connections.forget(rackId),
    async close() {
      for (const socket of sockets.keys()) socket.destroy()
      await connections.close()
      await Promise.all(underWay)
    },
  }
}

function headerText(client: IncomingMessage, name: string): string | undefined {
  const value = client.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/** Before the route is known: whether this looks like a command that ends with an exit code. */
function endsWithExitCode(client: IncomingMessage): boolean {
  return /\/(shell|ssh|exec|run)\??$/.test(client.url ?? '')
}

function statusOf(error: unknown): number {
  if (error instanceof ClientGone) return 499
  return error instanceof KeyrackError ? error.status : 500
}

function noteOf(error: unknown): string {
  if (error instanceof ClientGone) return 'the client went away'
  return error instanceof KeyrackError ? error.code : 'internal'
}

function shown(error: unknown, requestId: string): KeyrackError {
  if (error instanceof KeyrackError) return error
  return new KeyrackError('internal', `the Console failed (request ${requestId})`)
}
