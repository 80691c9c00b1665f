import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ConsoleContext } from '../context.ts'
import type { AccountEntry } from '../directory.ts'

/** What this layer needs of proxy/. */
export interface RackProxy {
  request(
    req: IncomingMessage,
    res: ServerResponse,
    account: AccountEntry,
    requestId: string,
  ): void | Promise<void>
}

export interface HandlerOptions {
  context: ConsoleContext
  proxy: RackProxy
  /** What a person types after `convox login`, and the certificate they will be shown. */
  login: { host: string; fingerprint: string }
}

export interface ConsoleHandler {
  request(req: IncomingMessage, res: ServerResponse): void
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void
}

/** The one entry of both listeners: decides by table who owns a URL (design 5). */
export function createHandler(_options: HandlerOptions): ConsoleHandler {
  throw new Error('being written')
}
