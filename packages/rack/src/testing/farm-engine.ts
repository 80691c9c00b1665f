import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { KeyrackError } from '@keyrack/protocol'
import type { Engine } from '../engines/engine.ts'
import { dialLoopback } from '../engines/local/dial-loopback.ts'
import type { LocalEngineOptions } from '../engines/local/local-engine.ts'
import { SSH_USER } from './ssh-servers.ts'

export interface FarmInstance {
  id: string
  /** 0 until it runs. */
  port: number
  startedAt: number
}

/** An engine whose machines are those of a `ServerFarm`, another process's. */
export function createFarmEngine(
  socket: string,
  {
    count = 3,
    authorizedKeys,
    happened,
  }: Pick<LocalEngineOptions, 'count' | 'authorizedKeys' | 'happened'>,
): Engine {
  let wanted = count
  const list = () => ask<FarmInstance[]>(socket, 'list')
  const find = async (id: string): Promise<FarmInstance> => {
    const found = (await list()).find((instance) => instance.id === id)
    if (found === undefined) throw new KeyrackError('not-found', `instance not found: ${id}`)
    return found
  }
  const boot = async (id: string): Promise<void> => {
    await ask(socket, `boot/${id}`, await authorizedKeys())
    happened?.(id, 'runs')
  }
  const fill = async (): Promise<void> => {
    const missing = wanted - (await list()).length
    const ids = await Promise.all(
      Array.from({ length: Math.max(0, missing) }, () => ask<string>(socket, 'reserve')),
    )
    for (const id of ids) await boot(id)
  }
  return {
    name: 'farm',
    capabilities: {
      sharesServerUser: false,
      reportsHostKeys: false,
      replacesAtOnce: true,
      maxInstances: 50,
    },
    sshUser: SSH_USER,
    async start() {
      // What a former life asked for and did not live to boot.
      for (const { id, port } of await list()) if (port === 0) await boot(id)
      await fill()
    },
    stop: async () => {},
    async instances() {
      return (await list()).map(({ id, port, startedAt }) => ({
        ...{ id, startedAt, status: port === 0 ? ('pending' as const) : ('running' as const) },
        ...{ privateIp: '127.0.0.1', publicIp: '', cpu: 0, memory: 0, processes: 0, agent: true },
      }))
    },
    exists: async (id) => (await list()).some((instance) => instance.id === id),
    capacity: async () => ({
      ...{ clusterCpu: 1024, clusterMemory: 1024, instanceCpu: 1024, instanceMemory: 1024 },
    }),
    async setCount(more) {
      wanted = more
      await fill()
      const instances = await list()
      for (const { id } of instances.slice(wanted)) await ask(socket, `terminate/${id}`)
    },
    async terminate(id) {
      await find(id)
      await ask(socket, `terminate/${id}`)
      await fill()
    },
    dial: async (id, signal) => dialLoopback((await find(id)).port, signal),
    async hostKey(id) {
      await find(id)
      return undefined
    },
  }
}

function ask<T>(socketPath: string, act: string, body?: unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: `/${act}`, method: 'POST' }, (answer) => {
      text(answer).then((said) => {
        if (answer.statusCode === 200) resolve(JSON.parse(said) as T)
        else reject(new Error(said))
      }, reject)
    })
    asked.once('error', reject)
    asked.end(JSON.stringify(body ?? null))
  })
}
