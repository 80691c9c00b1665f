import type { Server } from 'node:net'

export interface ListenOptions {
  /** 0 asks the system for a free port. */
  port: number
  host: string
  /** The setting that chose the port, for the error text. */
  variable: string
  hostVariable?: string
}

export interface Listening {
  host: string
  port: number
  /** Stops accepting, closes idle connections, ends when the others have ended. */
  close(): Promise<void>
}

export function listen(_server: Server, _options: ListenOptions): Promise<Listening> {
  throw new Error('not written yet')
}
