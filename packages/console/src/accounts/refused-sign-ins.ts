import type { Logger } from '@keyrack/server'
import { networkOf } from '@keyrack/server'
import type { AuditLog } from '../audit/audit-log.ts'
import type { RequestContext } from '../context.ts'

const EVERY_MS = 60_000
/** Pairs of account and network in one minute; the rest of a flood shares one row for each account. */
const PAIRS_MAX = 100
const MANY_ADDRESSES = 'several'

interface Refused {
  email: string
  address: string
  requestId: string
  times: number
}

/**
 * Puts wrong passwords for accounts that exist on record in the server's own chain: one row for each
 * account and network in a minute, with a count, so that a flood of guesses does not fill the disk.
 * They are collected in memory and written later, because a write in the request would take time
 * that tells a guesser whether the account exists (ASVS 6.3.8). A crash loses the last minute's,
 * which are in the log.
 */
export class RefusedSignIns {
  readonly #audit: Pick<AuditLog, 'record'>
  readonly #log: Logger
  readonly #everyMs: number
  #refused = new Map<string, Refused>()
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(audit: Pick<AuditLog, 'record'>, log: Logger, everyMs = EVERY_MS) {
    this.#audit = audit
    this.#log = log
    this.#everyMs = everyMs
  }

  add(email: string, { address, requestId }: RequestContext): void {
    this.#count({ email, address, requestId, times: 1 })
  }

  /** Writes what was collected so far; for the end of the process, too. Never rejects. */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const collected = [...this.#refused.values()]
    this.#refused.clear()
    this.#writing = this.#writing.then(() => this.#write(collected))
    return this.#writing
  }

  #count(refused: Refused): void {
    const network = `${refused.email} ${networkOf(refused.address)}`
    const full = this.#refused.size >= PAIRS_MAX && !this.#refused.has(network)
    const key = full ? refused.email : network
    const address = full ? MANY_ADDRESSES : refused.address
    const times = refused.times + (this.#refused.get(key)?.times ?? 0)
    this.#refused.set(key, { ...refused, address, times })
    this.#timer ??= setTimeout(() => void this.flush(), this.#everyMs).unref()
  }

  async #write(collected: readonly Refused[]): Promise<void> {
    for (const refused of collected) {
      const { email: target, address, requestId, times } = refused
      const actor = { id: null, name: 'not known' }
      const event = { organizationId: null, actor, action: 'account.sign-in', target }
      const note = times === 1 ? 'a wrong password' : `${times} wrong passwords`
      try {
        await this.#audit.record({ ...event, requestId, address }, { status: 401, note })
      } catch (error) {
        this.#log.error({ err: error }, 'refused sign-ins are not on record yet')
        // With the next ones: the disk may have room again.
        this.#count(refused)
      }
    }
  }
}
