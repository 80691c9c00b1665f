import { KeyrackError } from '@keyrack/protocol'
import type { Logger, Store, Subscription } from '@keyrack/server'
import { DIRECTORY_CHANNEL } from './database/commit.ts'
import { readDirectoryVersion } from './database/directory-version.ts'
import type { Database } from './database/schema.ts'
import type { ConsoleDirectory } from './directory.ts'

/** For this long after the database was asked, requests are answered from memory (design 4). */
const LEASE_MS = 1_000
/** Three chances to renew the lease before it lapses. */
const POLL_MS = 300

/** What a request waits for before it is answered from the directory. */
export interface Freshness {
  /** Whether other Consoles write to the same database. */
  readonly shared: boolean
  /** Undefined: the directory may be used as it is. */
  lapsed(): Promise<void> | undefined
  /** Whatever was committed before this call is in the directory when it resolves. */
  newest(): Promise<void>
}

/** The only Console on its database has made every write itself. */
export const ALWAYS_FRESH: Freshness = {
  shared: false,
  lapsed: () => undefined,
  newest: async () => undefined,
}

export interface FollowOptions {
  store: Store<Database>
  directory: ConsoleDirectory
  log: Logger
  /** Milliseconds that no clock change moves. */
  monotonic?: () => number
  pollMs?: number
}

/**
 * Keeps a Console's directory no older than its lease when other Consoles write to the same
 * database. Announcements make it fast; the lease makes it certain: without a read of the version
 * in the last second, which a lost announcement, a cut network or a stopped process all come down
 * to, a request waits for a read of its own and fails when that fails.
 */
export class DirectoryFollower implements Freshness {
  readonly shared = true
  readonly #store: Store<Database>
  readonly #directory: ConsoleDirectory
  readonly #log: Logger
  readonly #monotonic: () => number
  readonly #pollMs: number
  #leasedUntil = Number.NEGATIVE_INFINITY
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #subscription: Subscription | undefined
  #failing = false
  #closed = false

  constructor(options: FollowOptions) {
    this.#store = options.store
    this.#directory = options.directory
    this.#log = options.log
    this.#monotonic = options.monotonic ?? (() => performance.now())
    this.#pollMs = options.pollMs ?? POLL_MS
  }

  /** Resolves when the directory is the database's; follows from then on. */
  async start(): Promise<void> {
    await this.newest()
    this.#subscription = this.#store.shared?.listen(DIRECTORY_CHANNEL, {
      heard: (version) => {
        // What we have committed ourselves is already there.
        if (!(Number(version) <= this.#directory.version)) this.#look()
      },
      connected: () => this.#look(),
      lost: (error) =>
        this.#log.warn({ err: error }, 'announcements of other Consoles are not heard; polling'),
    })
    this.#poll()
  }

  async stop(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#subscription?.close()
    await this.#running?.catch(() => undefined)
  }

  lapsed(): Promise<void> | undefined {
    return this.#isLeased() ? undefined : this.#renew()
  }

  newest(): Promise<void> {
    if (this.#running === undefined) return this.#start()
    // What is under way may have asked before the write that this caller is about.
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined
        return this.#start()
      })
    return this.#next
  }

  async #renew(): Promise<void> {
    await this.#running?.catch(() => undefined)
    if (this.#isLeased()) return
    try {
      await this.newest()
    } catch (cause) {
      throw new KeyrackError('not-ready', 'this Console cannot reach its database', {
        hint: 'try again; the log of the Console says what is wrong',
        cause,
      })
    }
  }

  #isLeased(): boolean {
    return this.#monotonic() < this.#leasedUntil
  }

  #poll(): void {
    this.#timer = setTimeout(() => {
      const polled = this.#running ?? this.#start()
      void polled
        .catch(() => undefined)
        .then(() => {
          if (!this.#closed) this.#poll()
        })
    }, this.#pollMs)
  }

  /** For those who wait for nothing; a failure is logged where it happens. */
  #look(): void {
    this.newest().catch(() => undefined)
  }

  #start(): Promise<void> {
    const run = this.#read().finally(() => {
      if (this.#running === run) this.#running = undefined
    })
    this.#running = run
    return run
  }

  async #read(): Promise<void> {
    // From before the question: a write that is not in the answer was committed after this moment.
    const askedAt = this.#monotonic()
    try {
      const had = this.#directory.version
      const version = await readDirectoryVersion(this.#store.db)
      if (version !== had) await this.#directory.refresh()
      if (version < had) throw wentBack(had, version)
      this.#leasedUntil = Math.max(this.#leasedUntil, askedAt + LEASE_MS)
      if (this.#failing) this.#log.info('the database is followed again')
      this.#failing = false
    } catch (error) {
      if (!this.#failing && !this.#closed) {
        this.#log.error({ err: error }, 'the database cannot be followed; requests wait for it')
      }
      this.#failing = true
      throw error
    }
  }
}

/** Another database under the same address, or an older copy of ours. */
function wentBack(had: number, found: number): KeyrackError {
  return new KeyrackError(
    'not-ready',
    `the database has version ${found} of the directory, but this Console has seen ${had}`,
    { hint: 'it was restored from a backup; restart every Console' },
  )
}
