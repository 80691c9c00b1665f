import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ConsoleActions } from './console-actions.ts'

export interface HandlerOptions {
  actions: ConsoleActions
  directory: unknown
  proxy: unknown
  log: unknown
  /** Answers /livez and /readyz. */
  health: { livez(): unknown; readyz(): Promise<unknown> }
  /** Names by which browsers and CLIs may call us, besides loopback ones. */
  hosts: { host: string; allowedHosts: readonly string[]; publicUrl: string | undefined }
  /** Addresses of reverse proxies whose X-Forwarded-* are believed. */
  trustedProxies: readonly string[]
  /** What a person types after `convox login`, such as `localhost:3443`. */
  loginHost: string
  /** SHA-256 hex of the certificate served on TLS_PORT. */
  fingerprint: string
  /** True when the first sign-up has to carry the setup token. */
  setupTokenRequired: boolean
  now?: () => number
}

export interface ConsoleHandler {
  request(req: IncomingMessage, res: ServerResponse): void
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void
}

/** The one entry of both listeners: decides by table who owns a URL (design 5). */
export function createHandler(_options: HandlerOptions): ConsoleHandler {
  throw new Error('being written')
}
