import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { FarmInstance } from './farm-engine.ts'
import { type ServerKind, SshServer } from './ssh-servers.ts'

/**
 * The machines of a Rack under test, as a cloud keeps them: they live on when the Rack is killed,
 * and its engine (`farm-engine.ts`) asks for them over a socket.
 */
export class ServerFarm {
  readonly socket: string
  readonly servers = new Map<string, SshServer>()
  readonly #folder: string
  readonly #kinds: readonly ServerKind[]
  readonly #listed = new Map<string, { startedAt: number }>()
  readonly #http: Server
  #made = 0

  private constructor(folder: string, kinds: readonly ServerKind[]) {
    this.#folder = folder
    this.#kinds = kinds
    this.socket = join(folder, 'socket')
    this.#http = createServer((request, response) => {
      this.#answer(request).then(
        (value) => response.end(JSON.stringify(value ?? null)),
        (error) => response.writeHead(500).end(String(error)),
      )
    })
  }

  static async open(kinds: readonly ServerKind[]): Promise<ServerFarm> {
    const farm = new ServerFarm(await mkdtemp(join(tmpdir(), 'keyrack-farm-')), kinds)
    farm.#http.listen(farm.socket)
    await once(farm.#http, 'listening')
    return farm
  }

  get ids(): string[] {
    return [...this.#listed.keys()].sort()
  }

  server(id: string): SshServer {
    const server = this.servers.get(id)
    if (server === undefined) throw new Error(`there is no ${id}`)
    return server
  }

  async close(): Promise<void> {
    this.#http.closeAllConnections()
    this.#http.close()
    await Promise.all([...this.servers.values()].map((server) => server.remove()))
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #answer(request: IncomingMessage): Promise<unknown> {
    const [, act, id = ''] = (request.url ?? '').split('/')
    if (act === 'list') return this.#list()
    if (act === 'reserve') return this.#reserve()
    if (act === 'boot') return this.#boot(id, JSON.parse(await text(request)))
    if (act === 'terminate') return this.#terminate(id)
    throw new Error(`the farm cannot ${act}`)
  }

  #list(): FarmInstance[] {
    return this.ids.map((id) => ({
      id,
      port: this.servers.get(id)?.port ?? 0,
      startedAt: this.#listed.get(id)?.startedAt ?? 0,
    }))
  }

  #reserve(): string {
    const id = `i-${randomBytes(6).toString('hex')}`
    this.#listed.set(id, { startedAt: Date.now() })
    return id
  }

  async #boot(id: string, lines: string[]): Promise<void> {
    const kind = this.#kinds[this.#made++ % this.#kinds.length] ?? 'sshd'
    const server = await SshServer.make(kind, lines)
    if (this.#listed.has(id)) this.servers.set(id, server)
    else await server.remove()
  }

  async #terminate(id: string): Promise<void> {
    this.#listed.delete(id)
    const server = this.servers.get(id)
    this.servers.delete(id)
    await server?.remove()
  }
}
