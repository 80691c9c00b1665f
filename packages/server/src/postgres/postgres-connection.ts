import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely'
import type pg from 'pg'
import { bindValue } from '../store/bind-value.ts'
import { ANSWER_MS } from './connect.ts'
import { isConnectionFailure, isDatabaseError, serverFailure } from './failures.ts'

/** 'keyr' and a number of its own: advisory locks share one namespace per database. */
const WRITE_LOCK = 'pg_advisory_xact_lock(1801812338, 1)'
const PATIENT_MS = 3_600_000
const IN_FAILED_TRANSACTION = '25P02'

export interface Begin {
  readOnly: boolean
  /** For migrations: as long as it takes. */
  patient: boolean
}

/**
 * A pooled connection as lent to one statement or one transaction. A query that was not awaited
 * waits its turn or is refused: after its transaction it would be committed alone.
 */
export class PostgresConnection implements DatabaseConnection {
  readonly #client: pg.PoolClient
  #state: 'plain' | 'transaction' | 'rolled back' | 'ended' = 'plain'
  #limitMs = ANSWER_MS
  #last: Promise<unknown> = Promise.resolve()
  #broken = false

  constructor(client: pg.PoolClient) {
    this.#client = client
  }

  /** True when the connection must not be lent again. */
  get broken(): boolean {
    return this.#broken
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const values = query.parameters.map(bindValue)
    const result = await this.#inTurn(async () => {
      this.#assertUsable()
      const answer = await this.#send(query.sql, values)
      // A control statement written by hand ends what the caller believes to be in.
      if (/^(COMMIT|ROLLBACK)$/.test(answer.command)) this.#state = 'rolled back'
      return answer
    })
    const numAffectedRows = /^(INSERT|UPDATE|DELETE|MERGE)$/.test(result.command)
      ? BigInt(result.rowCount ?? 0)
      : undefined
    return {
      rows: result.rows as R[],
      ...(numAffectedRows === undefined ? {} : { numAffectedRows }),
    }
  }

  /** All rows at once: nothing that is kept here is too much for memory. */
  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    const { rows } = await this.executeQuery<R>(query)
    for (const row of rows) yield { rows: [row] }
  }

  /**
   * Writers take one lock before anything else, so each sees all that was written before it, as on
   * SQLite (docs/decisions/0006). Readers see one moment and wait for nobody.
   */
  async begin({ readOnly, patient }: Begin): Promise<void> {
    const statements = readOnly
      ? ['begin isolation level repeatable read read only']
      : ['begin isolation level read committed', `select ${WRITE_LOCK}`]
    if (patient) {
      this.#limitMs = PATIENT_MS
      const limits = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']
      statements.splice(1, 0, ...limits.map((name) => `set local ${name} = 0`))
    }
    try {
      await this.#inTurn(() => this.#send(statements.join('; ')))
    } catch (error) {
      this.#broken = true
      throw error
    }
    this.#state = 'transaction'
  }

  async commit(): Promise<void> {
    const { command } = await this.#inTurn(() => {
      this.#assertUsable()
      this.#state = 'ended'
      return this.#send('commit')
    })
    // PostgreSQL answers so when a statement has failed before and the failure was ignored.
    if (command === 'ROLLBACK') throw rolledBack()
  }

  async rollback(): Promise<void> {
    this.#state = 'ended'
    await this.#inTurn(async () => {
      if (!this.#broken) await this.#send('rollback')
    })
  }

  async end(): Promise<void> {
    this.#state = 'ended'
    // Lent again only when the last query has its answer.
    await this.#last
  }

  async #send(text: string, values: unknown[] = []): Promise<pg.QueryResult> {
    const config: pg.QueryConfig & { query_timeout: number } = {
      text,
      query_timeout: this.#limitMs,
      // Without values the text may be several statements in one round trip.
      ...(values.length === 0 ? {} : { values }),
    }
    try {
      const answer: pg.QueryResult | pg.QueryResult[] = await this.#client.query(config)
      return Array.isArray(answer) ? (answer.at(-1) as pg.QueryResult) : answer
    } catch (error) {
      if (isConnectionFailure(error)) this.#broken = true
      if (isDatabaseError(error) && error.code === IN_FAILED_TRANSACTION) throw rolledBack()
      throw serverFailure(error)
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => undefined)
    return turn
  }

  #assertUsable(): void {
    if (this.#state === 'rolled back') throw rolledBack()
    if (this.#state === 'ended') {
      throw new TypeError('the transaction has ended; was one of its queries not awaited?')
    }
  }
}

function rolledBack(): TypeError {
  return new TypeError('the transaction was rolled back after a failure that was ignored')
}
