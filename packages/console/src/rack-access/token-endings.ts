import type { Keyring } from '@keyrack/secrets'
import type { Domain } from '../context.ts'
import type { RackAccessTokensTable } from '../database/schema.ts'
import type { AddressGuard } from '../proxy/address-guard.ts'
import { displayName } from '../proxy/find-rack.ts'
import type { RackRolls } from '../rack-rolls/rack-rolls.ts'
import { atRack } from './at-rack.ts'

export interface AccessDomain
  extends Pick<Domain, 'store' | 'commit' | 'directory' | 'audit' | 'clock' | 'log'> {
  keyring: Keyring
  guard: AddressGuard
  rolls: Pick<RackRolls, 'begin'>
}

const TRY_EVERY_MS = 30_000

/**
 * Ends at the Racks the tokens that are marked (`endTokensOf`): as soon as the mark is written, and
 * every 30 s until the Rack has done it. To end one twice does no harm, so several Consoles may try;
 * the one that takes the row away records it.
 */
export class TokenEndings {
  readonly #domain: AccessDomain
  readonly #failed = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()
  #waiting = false
  #stopped = false

  constructor(domain: AccessDomain) {
    this.#domain = domain
  }

  start(): void {
    this.#timer = setInterval(() => void this.run(), TRY_EVERY_MS)
    this.#timer.unref()
    // Every write that takes rights away shows in the directory.
    this.#domain.directory.onChange(() => void this.run())
    void this.run()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#timer)
    await this.#running
  }

  /** Resolves when each marked token has been tried once. */
  run(): Promise<void> {
    // What waits has not looked yet, so it sees whatever was written before this call.
    if (this.#waiting || this.#stopped) return this.#running
    this.#waiting = true
    this.#running = this.#running.then(async () => {
      this.#waiting = false
      try {
        await this.#endAll()
      } catch (error) {
        this.#domain.log.error({ err: error }, 'access tokens that are to be ended cannot be read')
      }
    })
    return this.#running
  }

  async #endAll(): Promise<void> {
    const rows = await this.#domain.store.db
      .selectFrom('rack_access_tokens')
      .where('ending_since', 'is not', null)
      .selectAll()
      .execute()
    for (const row of rows) {
      if (this.#stopped) return
      try {
        await this.#end(row)
        this.#failed.delete(row.id)
      } catch (error) {
        if (!this.#failed.has(row.id)) {
          this.#domain.log.warn(
            { err: error, rackId: row.rack_id, token: row.id },
            'an access token could not be ended at its Rack; it is tried again',
          )
        }
        this.#failed.add(row.id)
      }
    }
  }

  async #end(row: RackAccessTokensTable): Promise<void> {
    const { directory, store, audit, clock } = this.#domain
    const rack = directory.rackById(row.rack_id)
    const expired = row.expires_at <= clock()
    if (rack !== undefined && !expired) {
      await atRack(this.#domain, rack, (routes) => routes.revoke(row.id))
    }
    await store.transaction(async (tx) => {
      const gone = await tx
        .deleteFrom('rack_access_tokens')
        .where('rack_id', '=', row.rack_id)
        .where('id', '=', row.id)
        .returning('id')
        .executeTakeFirst()
      if (gone === undefined || rack === undefined) return
      await audit.record(
        {
          organizationId: row.organization_id,
          actor: { id: null, name: 'Keyrack' },
          action: 'rack.access.revoke',
          target: displayName(rack),
          rackId: rack.id,
          requestId: `token-${row.id}`,
          address: '',
        },
        { status: 200, note: `${row.id}: ${expired ? 'it expired' : row.ending_because}` },
        tx,
      )
    })
  }
}
