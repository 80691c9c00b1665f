import { KeyrackError, type Route } from '@keyrack/protocol'
import {
  type ActorStatement,
  auditTarget,
  type RackAction,
  type RackActions,
  readActor,
} from '@keyrack/protocol/audit'
import { isUniqueViolation, type Logger, type Store } from '@keyrack/server'
import type { RackSchema } from '../database/schema.ts'
import type { Authenticated } from '../rack-keys/authenticate.ts'

export interface AuditedRequest {
  route: Route
  method: string
  /** Normalised, without the query. */
  path: string
  requestId: string
  address: string
  asker: Authenticated
  /** The value of `Keyrack-Actor`, if it came. */
  statement: string | undefined
}

export interface Recording {
  /** Never throws: what it is about has happened. */
  finished(status: number): Promise<void>
}

interface Options {
  store: Store<RackSchema>
  rackId: string
  log: Logger
  now?: () => number
}

const NOTHING: Recording = { finished: async () => undefined }
const PAGE = 1_000

/**
 * CRITICAL: what is done on this Rack, and who says so. A Console signs on whose behalf it asks; a
 * statement that is not signed by the Console that the Rack belongs to, that is for another request or
 * that was used before, ends the request. Without one, what acts is the key itself.
 */
export class RackAudit {
  readonly #options: Required<Options>

  constructor({ now = Date.now, ...rest }: Options) {
    this.#options = { ...rest, now }
  }

  /** At start-up: what a crash cut off is not known to have worked. */
  async finishInterrupted(): Promise<void> {
    await this.#options.store.db
      .updateTable('actions')
      .set({ outcome: 'unknown' })
      .where('outcome', '=', 'started')
      .execute()
  }

  /** Before the route's handler; reads are not recorded, but their statement has to be right too. */
  async begin(request: AuditedRequest): Promise<Recording> {
    const statement = await this.#statement(request)
    if (!request.route.audited) return NOTHING
    const id = await this.#insert(request, statement)
    return { finished: (status) => this.#finish(id, status) }
  }

  async actions(after: number): Promise<RackActions> {
    const rows = await this.#options.store.db
      .selectFrom('actions')
      .selectAll()
      .where('id', '>', after)
      .orderBy('id')
      .limit(PAGE + 1)
      .execute()
    const page = rows.slice(0, PAGE)
    const next = rows.length > PAGE ? (page.at(-1)?.id ?? null) : null
    return { actions: page.map(action), next }
  }

  async #statement(request: AuditedRequest): Promise<ActorStatement | undefined> {
    if (request.statement === undefined) return undefined
    // A token is a person of its own, and no Console.
    if (!('keyId' in request.asker)) throw forged()
    const owner = await this.#options.store.db
      .selectFrom('rack_console')
      .selectAll()
      .executeTakeFirst()
    // Nobody has registered, so nobody's word can be checked, and it is not recorded as anybody's.
    if (owner === undefined) return undefined
    const statement = readActor(request.statement, owner.public_key)
    if (
      statement === undefined ||
      statement.console !== owner.console ||
      statement.rack !== this.#options.rackId ||
      statement.request !== request.requestId ||
      statement.target !== auditTarget(request.method, request.path)
    ) {
      throw forged()
    }
    return statement
  }

  async #insert(request: AuditedRequest, statement: ActorStatement | undefined): Promise<number> {
    const { store, now } = this.#options
    const { asker, route, method, path } = request
    try {
      return await store.transaction(async (tx) => {
        const last = await tx
          .selectFrom('actions')
          .select('id')
          .orderBy('id', 'desc')
          .limit(1)
          .executeTakeFirst()
        const id = (last?.id ?? 0) + 1
        await tx
          .insertInto('actions')
          .values({
            id,
            at: now(),
            request_id: request.requestId,
            actor: statement?.actor ?? null,
            action: route.name,
            target: auditTarget(method, path),
            address: request.address,
            credential: 'keyId' in asker ? `key ${asker.keyId}` : `token ${asker.tokenId}`,
            outcome: 'started',
            status: null,
            statement: statement === undefined ? null : (request.statement ?? null),
            row_chain: statement?.row.chain ?? null,
            row_sequence: statement?.row.sequence ?? null,
            row_hash: statement?.row.hash ?? null,
          })
          .execute()
        return id
      })
    } catch (error) {
      if (isUniqueViolation(error) && statement !== undefined) throw forged()
      throw error
    }
  }

  async #finish(id: number, status: number): Promise<void> {
    const { store, log } = this.#options
    try {
      await store.db
        .updateTable('actions')
        .set({ status, outcome: status < 400 ? 'succeeded' : 'failed' })
        .where('id', '=', id)
        .execute()
    } catch (error) {
      log.error({ err: error, action: id }, 'how an action ended cannot be recorded')
    }
  }
}

function forged(): KeyrackError {
  return new KeyrackError(
    'forbidden',
    'the actor of this request is not signed by the Console that this Rack belongs to',
    { hint: 'register the Console again: convox racks add --take-over' },
  )
}

function action(row: RackSchema['actions']): RackAction {
  const { row_chain: chain, row_sequence: sequence, row_hash: hash, ...rest } = row
  const known = chain !== null && sequence !== null && hash !== null
  return { ...rest, row: known ? { chain, sequence, hash } : null }
}
