import { CHAIN_START, rowHash } from '@keyrack/protocol/audit'
import type { Store } from '@keyrack/server'
import type { Tx } from '../context.ts'
import type { AuditTable, Database } from '../database/schema.ts'
import { newId } from '../new-id.ts'

export interface AuditEvent {
  /** Null: the server's own chain. */
  organizationId: string | null
  actor: { id: string | null; name: string }
  /** A route name or a domain action. */
  action: string
  target: string
  rackId?: string
  requestId: string
  address: string
}

export interface AuditOutcome {
  status: number
  note?: string
}

/** Where a row stands, and what it is: enough for somebody else to notice that it was changed. */
export type AppendedRow = Pick<AuditTable, 'chain' | 'sequence' | 'hash'>

export interface StartedEvent {
  id: string
  row: AppendedRow
}

/** The chain of what belongs to no organization. */
export const SERVER_CHAIN = 'server'

const INTERRUPTED = 'the server stopped before the outcome was known'

type Ending = Pick<AuditTable, 'outcome' | 'status' | 'note'>

/**
 * Two appended rows per write: what was going to happen, and how it ended. Rows are never updated
 * or deleted; a write that a crash cut off gets its second row at the next start.
 */
export class AuditLog {
  readonly #store: Store<Database>
  readonly #clock: () => number

  readonly #owner: string

  /**
   * `owner` is this Console's id where several write to one database: it begins the id of every
   * event, so that a start finishes what this Console left open and nobody else's.
   */
  constructor(store: Store<Database>, clock: () => number = Date.now, owner = '') {
    this.#store = store
    this.#clock = clock
    this.#owner = owner
  }

  /** Appends the `started` row; its id is what `finished` takes. */
  async started(event: AuditEvent, tx?: Tx): Promise<StartedEvent> {
    const id = this.#owner + newId()
    const row = await this.#within(tx, (open) =>
      this.#append(open, {
        id,
        chain: event.organizationId ?? SERVER_CHAIN,
        phase: 'started',
        event_id: id,
        actor_id: event.actor.id,
        actor_name: event.actor.name,
        action: event.action,
        target: event.target,
        rack_id: event.rackId ?? null,
        request_id: event.requestId,
        address: event.address,
        outcome: null,
        status: null,
        note: null,
      }),
    )
    return { id, row }
  }

  async finished(id: string, outcome: AuditOutcome, tx?: Tx): Promise<void> {
    const ending: Ending = {
      // 101 is a stream that was opened; a stream's own exit code is in the note.
      outcome: outcome.status < 400 ? 'succeeded' : 'failed',
      status: outcome.status,
      note: outcome.note ?? null,
    }
    await this.#within(tx, (open) => this.#finish(open, id, ending))
  }

  /** Both rows at once, for a write that is one transaction. */
  async record(event: AuditEvent, outcome: AuditOutcome, tx?: Tx): Promise<void> {
    await this.#within(tx, async (open) => {
      const { id } = await this.started(event, open)
      await this.finished(id, outcome, open)
    })
  }

  /** At start-up: gives every event of this Console that a crash cut off its second row. Returns how many. */
  async finishInterrupted(): Promise<number> {
    return this.#store.transaction(async (tx) => {
      const open = await tx
        .selectFrom('audit as started')
        .leftJoin('audit as finished', (join) =>
          join
            .onRef('finished.event_id', '=', 'started.event_id')
            .on('finished.phase', '=', 'finished'),
        )
        .where('started.phase', '=', 'started')
        .where('finished.id', 'is', null)
        .where('started.id', 'like', `${this.#owner}%`)
        .select('started.id')
        .orderBy('started.at')
        .execute()
      for (const { id } of open) {
        await this.#finish(tx, id, { outcome: 'unknown', status: null, note: INTERRUPTED })
      }
      return open.length
    })
  }

  async #finish(tx: Tx, startedId: string, ending: Ending): Promise<void> {
    const started = await tx
      .selectFrom('audit')
      .where('id', '=', startedId)
      .where('phase', '=', 'started')
      .selectAll()
      .executeTakeFirst()
    if (started === undefined) throw new TypeError(`no audit event ${startedId} was started`)
    await this.#append(tx, { ...started, id: newId(), phase: 'finished', ...ending })
  }

  /** The transaction makes reading the head and adding to it one step; the unique index proves it. */
  async #append(
    tx: Tx,
    row: Omit<AuditTable, 'sequence' | 'at' | 'previous_hash' | 'hash'>,
  ): Promise<AppendedRow> {
    const head = await tx
      .selectFrom('audit')
      .where('chain', '=', row.chain)
      .select(['sequence', 'hash'])
      .orderBy('sequence', 'desc')
      .limit(1)
      .executeTakeFirst()
    const linked = {
      ...row,
      sequence: (head?.sequence ?? 0) + 1,
      at: this.#clock(),
      previous_hash: head?.hash ?? CHAIN_START,
    }
    const hash = rowHash(linked)
    await tx
      .insertInto('audit')
      .values({ ...linked, hash })
      .execute()
    return { chain: linked.chain, sequence: linked.sequence, hash }
  }

  #within<T>(tx: Tx | undefined, work: (tx: Tx) => Promise<T>): Promise<T> {
    return tx === undefined ? this.#store.transaction(work) : work(tx)
  }
}
