import pg from 'pg'
import type { Listener, Subscription } from '../store/store.ts'
import { clientConfig } from './connect.ts'
import { serverFailure } from './failures.ts'
import type { PostgresServer } from './postgres-url.ts'

const AGAIN_MS = 200
const AGAIN_MS_MAX = 5_000

/** One connection of its own that listens, made again whenever it ends. */
export class PostgresListener implements Subscription {
  readonly #server: PostgresServer
  readonly #channel: string
  readonly #listener: Listener
  #client: pg.Client | undefined
  #timer: NodeJS.Timeout | undefined
  #waitMs = AGAIN_MS
  #closed = false
  #connecting: Promise<void>

  constructor(server: PostgresServer, channel: string, listener: Listener) {
    this.#server = server
    this.#channel = channel
    this.#listener = listener
    this.#connecting = this.#connect()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#connecting
    await this.#client?.end().catch(() => undefined)
  }

  async #connect(): Promise<void> {
    const client = new pg.Client(clientConfig(this.#server, 'listen'))
    // One of the two comes, or both; the first one counts.
    let over = false
    const ended = (error: unknown): void => {
      if (over) return
      over = true
      client.removeAllListeners('notification')
      client.end().catch(() => undefined)
      if (this.#closed) return
      this.#client = undefined
      this.#listener.lost(serverFailure(error))
      this.#again()
    }
    client.on('error', ended)
    client.on('end', () => ended(new Error('Connection terminated')))
    client.on('notification', ({ payload }) => this.#listener.heard(payload ?? ''))
    try {
      await client.connect()
      this.#client = client
      await client.query(`listen ${pg.escapeIdentifier(this.#channel)}`)
    } catch (error) {
      ended(error)
      return
    }
    if (this.#closed) return
    this.#waitMs = AGAIN_MS
    this.#listener.connected()
  }

  #again(): void {
    this.#timer = setTimeout(() => {
      this.#connecting = this.#connect()
    }, this.#waitMs)
    this.#waitMs = Math.min(AGAIN_MS_MAX, this.#waitMs * 2)
  }
}
