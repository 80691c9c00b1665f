/** A Console with its local Rack, and a person who is logged in to it with the real command line. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { finish, type Ran, startConvox } from '../convox.ts'
import { type Process, processesOf } from '../processes.ts'
import {
  basic,
  eventually,
  type SignedUp,
  type StartedConsole,
  signUp,
  startConsole,
} from '../started-console.ts'

export interface Instance {
  id: string
  status: string
}

export class World {
  server: StartedConsole
  readonly ann: SignedUp
  readonly home: string

  constructor(server: StartedConsole, ann: SignedUp) {
    this.server = server
    this.ann = ann
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
    const child = startConvox(this.home, [
      ...['login', host, '--fingerprint', this.server.fingerprint, '--password-stdin'],
    ])
    child.stdin?.write(this.ann.apiKey)
    return finish(child)
  }

  ask(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.server.web}${path}`, {
      ...init,
      headers: { Authorization: basic(this.ann.apiKey), Rack: 'acme/dev', ...init.headers },
    })
  }

  async instances(): Promise<Instance[] | undefined> {
    const answer = await this.ask('/instances').catch(() => undefined)
    return answer?.status === 200 ? ((await answer.json()) as Instance[]) : undefined
  }

  /** The ids of as many running instances, once there are no others. */
  running(count = 3): Promise<string[]> {
    return eventually(`${count} running instances`, async () => {
      const listed = await this.instances()
      return listed?.length === count && listed.every(({ status }) => status === 'running')
        ? listed.map(({ id }) => id).sort()
        : undefined
    })
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
  const world = new World(server, ann)
  await mkdir(world.home)
  const { status, stderr } = await world.logIn()
  if (status !== 0) throw new Error(`convox login: ${stderr}`)
  return world
}
