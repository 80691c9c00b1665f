import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import { KeyrackError, type NormalPath, normalizePath } from '@keyrack/protocol'
import { type ErrorAnswer, errorResponse } from '@keyrack/server'
import type { ConsoleContext } from '../context.ts'
import type { RackProxy } from '../proxy/index.ts'
import { logFailure, logSocketWhenDone, logWhenDone } from './access-log.ts'
import { type Apps, createApps, type Login } from './app.ts'
import { beforeDirectory } from './before-directory.ts'
import { createFactsReader, errorHeaders, type RequestFacts } from './edge.ts'
import { createHostCheck } from './host-check.ts'
import type { KeyAuthenticator } from './key-authenticator.ts'
import { isOpen, type Owner, ownerOf } from './ownership.ts'
import { foreignOrigin, isForeign } from './same-origin.ts'

export interface HandlerOptions {
  context: ConsoleContext
  proxy: Pick<RackProxy, 'request' | 'upgrade' | 'forget'>
  /** The same one that the proxy was given. */
  authenticate: KeyAuthenticator
  login: Login
}

export interface ConsoleHandler {
  request(req: IncomingMessage, res: ServerResponse): void
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void
}

/** The one entry of both listeners: decides by table who owns a URL (design 5). */
export function createHandler(options: HandlerOptions): ConsoleHandler {
  const { context, proxy } = options
  const readFacts = createFactsReader(context)
  const check = createDoorkeeper(context)
  const apps = createApps(context, options.authenticate, options.login, proxy.forget)
  const known = new WeakMap<IncomingMessage, RequestFacts>()
  const listenerOf = (app: Apps[keyof Apps]) =>
    getRequestListener(
      (request, env) => {
        const { incoming, outgoing } = env as HttpBindings
        const facts = known.get(incoming)
        if (facts === undefined) throw new TypeError('a request came around the handler')
        return app.fetch(request, { incoming, outgoing, facts })
      },
      { overrideGlobalObjects: false },
    )
  const listeners = {
    console: listenerOf(apps.console),
    api: listenerOf(apps.api),
    page: listenerOf(apps.page),
  }

  const fresh = (req: IncomingMessage) => beforeDirectory(context, req.headers.authorization)

  async function serve(req: IncomingMessage, res: ServerResponse, facts: RequestFacts) {
    const { owner, target } = check(req, facts)
    // Liveness is asked about most when the database is gone.
    if (!isOpen(target.path)) await fresh(req)
    if (owner === 'rack') await proxy.request(req, res, target, facts)
    else await listeners[owner](req, res)
  }

  return {
    request(req, res) {
      const facts = readFacts(req)
      known.set(req, facts)
      logWhenDone(context, facts, req, res)
      serve(req, res, facts).catch((error: unknown) => {
        const answer = errorResponse(error, facts.requestId)
        logFailure(context, facts, answer.status, error)
        if (res.headersSent) {
          res.destroy()
          return
        }
        res.writeHead(answer.status, errorHeaders(answer, facts)).end(answer.body)
      })
    },

    upgrade(req, socket, head) {
      const facts = readFacts(req)
      // The proxy upgrades whatever it is given and refuses inside the stream.
      let status = 101
      logSocketWhenDone(context, facts, socket, () => status)
      socket.on('error', () => socket.destroy())
      try {
        const { owner, target } = check(req, facts)
        if (req.headers.upgrade?.toLowerCase() !== 'websocket') throw onlyWebSockets()
        // Without a key the owner is a page, but no page has a WebSocket: the proxy refuses it in
        // the way that command lines understand.
        if (owner === 'console' || owner === 'api') throw noSocketHere()
        void proxy.upgrade(req, socket, head, target, facts)
      } catch (error) {
        const answer = errorResponse(error, facts.requestId)
        status = answer.status
        logFailure(context, facts, status, error)
        refuse(socket, answer, facts)
      }
    },
  }
}

/** What is checked before anything is routed; the answer is the one reading of the path and who owns it. */
function createDoorkeeper({ config }: ConsoleContext) {
  const isOurName = createHostCheck(config)
  return (req: IncomingMessage, facts: RequestFacts): { owner: Owner; target: NormalPath } => {
    const target = normalizePath(req.url ?? '')
    const { path } = target
    // Health checkers call by address, and these answers are the same for everybody.
    if (!isOpen(path) && !(hasOneHost(req) && isOurName(req.headers.host))) throw unknownHost()
    const keyPresented = req.headers.authorization !== undefined
    // A browser that was once given a key in a password box sends it along from any site.
    if (keyPresented && isForeign(req.headers, facts)) throw foreignOrigin()
    return { owner: ownerOf(path, keyPresented), target }
  }
}

/** With two, a proxy in front may have believed the other one (RFC 9112 3.2). */
function hasOneHost({ rawHeaders }: IncomingMessage): boolean {
  let hosts = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === 'host') hosts += 1
  }
  return hosts === 1
}

function unknownHost(): KeyrackError {
  return new KeyrackError('forbidden', 'this Console does not go by the host name in the request', {
    hint: 'use localhost or the address in PUBLIC_URL, or add the name to ALLOWED_HOSTS',
  })
}

function onlyWebSockets(): KeyrackError {
  return new KeyrackError('invalid', 'the only protocol to upgrade to is websocket')
}

function noSocketHere(): KeyrackError {
  return new KeyrackError('not-found', 'there is no WebSocket at this path')
}

/** A refusal before any upgrade, as plain HTTP on the bare socket. */
function refuse(socket: Duplex, answer: ErrorAnswer, facts: RequestFacts): void {
  const headers = {
    ...errorHeaders(answer, facts),
    'Content-Length': Buffer.byteLength(answer.body),
    Connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  const status = `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}`
  // The HTTP server leaves such a socket half open; nobody else would ever close it.
  socket.once('finish', () => socket.destroy())
  socket.end([status, ...lines, '', answer.body].join('\r\n'))
}
