import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { KeyrackError } from '@keyrack/protocol'
import { createClient } from '@keyrack/protocol/client'
import { System } from '@keyrack/protocol/resources'
import { hashApiKey, type Keyring, type Secret } from '@keyrack/secrets'
import type { ConsoleConfig } from '../config.ts'
import type { Domain } from '../context.ts'
import type { RackStatus } from '../directory.ts'
import { VERSION } from '../version.ts'
import { LOCAL_RACK_NAME, type LocalRackRow, localRackFolder } from './local-rack-row.ts'
import { openRackKey } from './open-rack-key.ts'
import { RackChild, type RackReady } from './rack-child.ts'

export const RACK_PROGRAM = fileURLToPath(
  new URL('../../../rack/bin/keyrack-rack.js', import.meta.url),
)

/** After this long a Rack that has said nothing is stopped and started again. */
const FIRST_WORD_MS = 30_000
const STOP_GRACE_MS = 8_000
const RESTART_MS = 250
const RESTART_MS_MAX = 30_000
/** A run this long shows that the earlier ends were not a loop. */
const STEADY_MS = 60_000

export interface LocalRackOptions {
  domain: Pick<Domain, 'store' | 'commit' | 'directory' | 'log'>
  keyring: Keyring
  config: Pick<ConsoleConfig, 'dataDir' | 'rackPort' | 'logLevel' | 'childEnvironment'>
  row: LocalRackRow
  program?: string
  firstWordMs?: number
  stopGraceMs?: number
}

/** Runs the local Rack as a child: starts it, learns where it listens, starts it again when it ends. */
export class LocalRack {
  readonly #options: LocalRackOptions
  readonly #stopping = new AbortController()
  #row: LocalRackRow
  #child: RackChild | undefined
  #loop: Promise<void> = Promise.resolve()

  constructor(options: LocalRackOptions) {
    this.#options = options
    this.#row = options.row
  }

  /** For tests and `/readyz` detail. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /**
   * Resolves when the first run has shown what it will be: accepted our key, or not. A Rack that
   * does not start keeps nobody from signing in; only a taken RACK_PORT, which the operator chose
   * and can change, is thrown.
   */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#loop = this.#supervise({ resolve, reject })
    })
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#child?.stop(this.#options.stopGraceMs ?? STOP_GRACE_MS)
    await this.#loop
  }

  async #supervise(first: { resolve(): void; reject(error: unknown): void }): Promise<void> {
    const { signal } = this.#stopping
    let quickEnds = 0
    while (!signal.aborted) {
      const startedAt = performance.now()
      const how = await this.#run(first).catch((error: unknown) => {
        // Its key does not open, or the system makes no process: this Rack's trouble alone.
        this.#problem(error)
        first.resolve()
        return 'it could not be begun'
      })
      if (signal.aborted) return
      this.#say('unreachable')
      quickEnds = performance.now() - startedAt > STEADY_MS ? 0 : quickEnds + 1
      const waitMs = Math.min(RESTART_MS_MAX, RESTART_MS * 2 ** (quickEnds - 1))
      this.#options.domain.log.warn({ how, waitMs }, 'the local Rack ended and is started again')
      await sleep(waitMs, undefined, { signal }).catch(() => undefined)
    }
  }

  /** One run from start to end; answers how it ended. */
  async #run(first: { resolve(): void; reject(error: unknown): void }): Promise<string> {
    const { signal } = this.#stopping
    await this.#readKey()
    const child = new RackChild({ file: this.#options.program ?? RACK_PROGRAM, env: this.#env() })
    this.#child = child
    await this.#firstWord(child).then(first.resolve, (error: unknown) => {
      if (signal.aborted) return first.resolve()
      this.#problem(error)
      if (!this.#isPortTaken(error)) return first.resolve()
      // Later runs find the promise settled, and the loop goes on until the port is free.
      first.reject(error)
    })
    return await child.ended
  }

  /** Waits for the child's first word and acts on it; throws what is wrong with this run. */
  async #firstWord(child: RackChild): Promise<void> {
    const limit = new AbortController()
    const silent = sleep(this.#options.firstWordMs ?? FIRST_WORD_MS, undefined, {
      signal: limit.signal,
    })
      .then(() => undefined)
      .catch(() => undefined)
    const word = await Promise.race([child.firstWord, silent])
    limit.abort()
    if (word === undefined) {
      await child.stop(this.#options.stopGraceMs ?? STOP_GRACE_MS)
      throw new KeyrackError('timeout', 'the local Rack did not become ready', {
        hint: 'it is started again; its own log lines may say why',
      })
    }
    if (word.type === 'failed') throw new KeyrackError('rack-broken', word.message)
    if (word.type === 'ended') {
      throw new KeyrackError(
        'rack-broken',
        `the local Rack ended before it was ready (${word.how})`,
        {
          hint: 'its own log lines may say why; if it was never built, run: npm run build',
        },
      )
    }
    const { url, fingerprint: pin, rackId } = word
    await this.#adopt({ url, pin }, rackId)
    const folder = localRackFolder(this.#options.config.dataDir)
    const version = await proveKey(word, this.#key(), folder)
    await this.#adopt({ version })
    this.#say('running')
    this.#options.domain.log.info({ url: word.url }, 'the local Rack is running')
  }

  /** Writes down what the Rack is now, where that is something else than before. */
  async #adopt(
    known: Partial<Pick<LocalRackRow, 'url' | 'pin' | 'version'>>,
    rackId?: string,
  ): Promise<void> {
    const row = { ...this.#row, ...known }
    const { url, pin, version } = this.#row
    if (row.url === url && row.pin === pin && row.version === version) return
    await this.#options.domain.commit((tx) =>
      tx
        .updateTable('racks')
        .set({ ...known, ...(rackId === undefined ? {} : { remote_id: rackId }) })
        .where('id', '=', row.id)
        .execute(),
    )
    this.#row = row
  }

  #env(): Record<string, string> {
    const { childEnvironment, dataDir, rackPort, logLevel } = this.#options.config
    return {
      ...childEnvironment,
      DATA_DIR: dataDir,
      RACK_NAME: LOCAL_RACK_NAME,
      LOG_LEVEL: logLevel,
      // Only the hash: the key itself never leaves this process but in an Authorization header.
      RACK_KEY_HASH: hashApiKey(this.#key()),
      ...(rackPort === undefined ? {} : { RACK_PORT: String(rackPort) }),
    }
  }

  /** It may have been rolled since the last run. */
  async #readKey(): Promise<void> {
    const key = await this.#options.domain.store.db
      .selectFrom('racks')
      .where('id', '=', this.#row.id)
      .select(['sealed_key as sealedKey', 'key_version as keyVersion'])
      .executeTakeFirstOrThrow()
    this.#row = { ...this.#row, ...key }
  }

  #key(): Secret {
    return openRackKey(this.#options.keyring, this.#row)
  }

  /** A port that the Rack chose itself is no mistake of the operator's, so it is only retried. */
  #isPortTaken(error: unknown): boolean {
    return (
      this.#options.config.rackPort !== undefined &&
      error instanceof KeyrackError &&
      error.message.includes('RACK_PORT')
    )
  }

  #say(status: RackStatus): void {
    this.#options.domain.directory.setRackStatus(this.#row.id, status)
  }

  #problem(error: unknown): void {
    this.#say(
      error instanceof KeyrackError && error.code === 'rack-refused' ? 'failed' : 'unreachable',
    )
    const { log } = this.#options.domain
    if (error instanceof KeyrackError) log.error({ hint: error.hint }, error.message)
    else log.error({ err: error }, 'the local Rack could not be started')
  }
}

/**
 * A Rack that listens but has another key than ours would refuse every request, so it is asked first;
 * the answer is its version.
 */
async function proveKey(ready: RackReady, password: Secret, folder: string): Promise<string> {
  const client = createClient({
    url: ready.url,
    pin: ready.fingerprint,
    password,
    version: VERSION,
    timeoutMs: 10_000,
  })
  try {
    const { version } = await client.get('/system', (value) => System.parse(value))
    return version
  } catch (error) {
    if (!(error instanceof KeyrackError) || error.code !== 'unauthenticated') throw error
    throw new KeyrackError(
      'rack-refused',
      'the local Rack refuses the key this Console has for it',
      {
        hint: `${folder} belongs to another Console; move it away to begin a new Rack, or restore both from one backup`,
      },
    )
  }
}
