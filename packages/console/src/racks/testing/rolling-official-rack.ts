import type { ServerResponse } from 'node:http'
import { type Asked, OFFICIAL_KEY, type OfficialRack, SYSTEM } from './official-rack.ts'

interface Task {
  id: string
  key: string
  started: string
}

export interface RollingOfficialRack {
  /** The `Password` parameter of its stack. */
  parameter: string
  status: string
  /** The web tasks behind its balancer, which asks them in turn. */
  tasks: Task[]
  /** A task that takes its old key with it when it is stopped. */
  stubborn: string | undefined
  /** It takes no update. */
  refuses: boolean
  /** Bodies of updates, in order. */
  updates: string[]
}

/**
 * An official Rack whose parameters can be set, as protocol.md 5.2 and 5.3 tell of generations 1
 * and 2: an update is answered at once and takes a while; web tasks read the password when they
 * start. Those of generation 2 are not replaced by the update; those of generation 1 are.
 */
export function letRoll(rack: OfficialRack, version: string): RollingOfficialRack {
  const first = version <= '20180708231844'
  let questions = 0
  const state: RollingOfficialRack = {
    parameter: OFFICIAL_KEY,
    status: 'running',
    tasks: ['web-1', 'web-2'].map((id) => ({ id, key: OFFICIAL_KEY, started: LONG_AGO })),
    stubborn: undefined,
    refuses: false,
    updates: [],
  }
  let polls = 0
  rack.handler = (asked, response) => {
    questions += 1
    const task = state.tasks[questions % state.tasks.length]
    if (asked.password === task?.key) answer(asked, response)
    else text(response, 401, 'invalid authentication\n')
  }

  function answer(asked: Asked, response: ServerResponse): void {
    const { method, path } = asked
    const stopped = /^\/apps\/production\/processes\/(web-\d)$/.exec(path)?.[1]
    if (path === '/auth') text(response, 200, 'ok\n')
    else if (method === 'GET' && path === '/system') {
      polls += 1
      if (state.status === 'updating' && polls > 2) settle()
      json(response, { ...SYSTEM, status: state.status, version })
    } else if (method === 'GET' && path === '/system/processes') {
      json(
        response,
        state.tasks.map(({ id, started }) => ({ id, name: 'web', started })),
      )
    } else if (method === 'DELETE' && stopped !== undefined) {
      restart(stopped)
      text(response, 200, 'ok\n')
    } else if (isUpdate(asked)) update(asked, response)
    else text(response, 404, '')
  }

  function isUpdate({ method, path }: Asked): boolean {
    return first
      ? method === 'POST' && path === '/apps/production/parameters'
      : method === 'PUT' && path === '/system'
  }

  function update({ body }: Asked, response: ServerResponse): void {
    state.updates.push(body)
    if (state.refuses) {
      text(response, 400, 'no\n')
      return
    }
    const form = new URLSearchParams(body)
    const password = first
      ? form.get('Password')
      : new URLSearchParams(form.get('parameters') ?? '').get('Password')
    if (password === null || password.length > 50) {
      text(response, 500, 'ValidationError\n')
      return
    }
    if (password === state.parameter) {
      text(response, 500, 'ValidationError: No updates are to be performed.\n')
      return
    }
    state.parameter = password
    state.status = 'updating'
    polls = 0
    if (first) json(response, { success: true })
    else text(response, 200, 'ok\n')
  }

  function settle(): void {
    state.status = 'running'
    if (first) for (const { id } of state.tasks) restart(id)
  }

  function restart(id: string): void {
    const started = new Date(Date.now() + 1000).toISOString()
    state.tasks = state.tasks.map((task) =>
      task.id === id && id !== state.stubborn ? { id, key: state.parameter, started } : task,
    )
  }

  return state
}

const LONG_AGO = '2020-01-01T00:00:00Z'

function text(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(body)
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}
