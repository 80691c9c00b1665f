/** A Console with its local Rack, and a person who is logged in to it with the real command line. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { finish, type Ran, startConvox } from '../convox.ts'
import { type Process, processesOf } from '../processes.ts'
import {
  basic,
  eventually,
  PASSWORD,
  type StartedConsole,
  signUp,
  startConsole,
} from '../started-console.ts'

export interface Instance {
  id: string
  status: string
}

/** Long enough for a Console, its Rack and their instances to start on a machine that is busy. */
const START_MS = 90_000

export class World {
  server: StartedConsole
  /** The key that was acknowledged last. */
  key: string
  readonly home: string

  constructor(server: StartedConsole, key: string) {
    this.server = server
    this.key = key
    this.home = join(server.folder, 'ann')
  }

  /** The command of the person, started or run to its end. */
  start(...args: string[]) {
    return startConvox(this.home, args)
  }

  run(...args: string[]): Promise<Ran> {
    return finish(this.start(...args))
  }

  async logIn(host = this.server.host): Promise<Ran> {
    const pin = ['--fingerprint', this.server.fingerprint]
    const child = this.start('login', host, ...pin, '--password-stdin')
    child.stdin?.write(this.key)
    return finish(child)
  }

  ask(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.server.web}${path}`, {
      ...init,
      headers: { Authorization: basic(this.key), Rack: 'acme/dev', ...init.headers },
    })
  }

  /** Asks for another key; what is acknowledged is the key from then on. */
  async renew(): Promise<{ status: number; error: string }> {
    const headers = { 'Content-Type': 'application/json' }
    const answer = await this.ask('/api/account/api-key', { method: 'POST', headers, body: '{}' })
    const body = (await answer.json()) as { api_key?: string; error?: string }
    this.key = body.api_key ?? this.key
    return { status: answer.status, error: body.error ?? '' }
  }

  /** Gets a key as somebody does whose last one may have been replaced by one that never arrived. */
  async signInAgain(): Promise<void> {
    const headers = { 'Content-Type': 'application/json' }
    const body = JSON.stringify({ email: 'ann@example.com', password: PASSWORD })
    const sign = { method: 'POST', headers, body }
    const signedIn = await fetch(`${this.server.web}/api/sign-in`, sign)
    const [Cookie = ''] = (signedIn.headers.get('set-cookie') ?? '').split(';')
    const answer = await fetch(`${this.server.web}/api/account/api-key`, {
      method: 'POST',
      headers: { ...headers, Cookie },
      body: '{}',
    })
    if (answer.status !== 201) throw new Error(`signing in: ${signedIn.status} ${answer.status}`)
    this.key = ((await answer.json()) as { api_key: string }).api_key
  }

  async instances(): Promise<Instance[] | undefined> {
    const answer = await this.ask('/instances').catch(() => undefined)
    return answer?.status === 200 ? ((await answer.json()) as Instance[]) : undefined
  }

  /** The ids of as many running instances, once there are no others. */
  running(count = 3): Promise<string[]> {
    const all = async () => {
      const listed = await this.instances()
      return listed?.length === count && listed.every(({ status }) => status === 'running')
        ? listed.map(({ id }) => id).sort()
        : undefined
    }
    return eventually(`${count} running instances`, all, START_MS)
  }

  processes(): Promise<Process[]> {
    return processesOf(this.server.folder)
  }

  /** Of the Rack, or of an instance by its id. */
  async pidOf(what: 'rack' | string): Promise<number> {
    return eventually(`a process of ${what}`, async () => {
      const all = await this.processes()
      const found =
        what === 'rack'
          ? all.find(({ command }) => /keyrack-rack\.js/.test(command))
          : all.find(
              ({ command, environment }) =>
                environment.includes(`KEYRACK_INSTANCE=${what}\0`) && /instance/.test(command),
            )
      return found?.pid
    })
  }

  /** No process whose command holds these words, whoever is its parent by now. */
  nothingRuns(words = ''): Promise<true> {
    return eventually(`no process ${words}`, async () =>
      (await this.processes()).some(({ command }) => command.includes(words)) ? undefined : true,
    )
  }

  /** Waits until the servers have printed this, counted from their start. */
  logged(text: string): Promise<true> {
    return eventually(`a line with ${text}`, () =>
      this.server.output().includes(text) ? true : undefined,
    )
  }

  async remove(): Promise<void> {
    await this.server.remove()
  }
}

export async function startWorld(
  extra: Record<string, string> = {},
  prefix: readonly string[] = [],
): Promise<World> {
  const server = await startConsole(extra, undefined, prefix)
  const ann = await signUp(server, { email: 'ann@example.com', organization: 'acme' })
  const world = new World(server, ann.apiKey)
  await mkdir(world.home)
  const { status, stderr } = await world.logIn()
  if (status !== 0) throw new Error(`convox login: ${stderr}`)
  return world
}
