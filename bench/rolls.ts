/**
 * Rolls the key of a Rack again and again under load, through the real Console and its local Rack:
 *
 *     npm run bench:rolls                        64 clients, 20 open streams, 100 rolls
 *     npm run bench:rolls -- 16 5 10             fewer of each
 *
 * Prints requests, failures, streams that were cut, and how long a roll takes. Ends with 1 if
 * anything failed.
 */
import { Agent, request } from 'node:http'
import type { Duplex } from 'node:stream'
import { parseArgs } from 'node:util'
import { basicHeader } from '@keyrack/protocol'
import { createClient } from '@keyrack/protocol/client'
import { Secret } from '@keyrack/secrets'
import { startBenchConsole } from './bench-console.ts'

const { positionals } = parseArgs({ allowPositionals: true })
const [clients = 64, streams = 20, rolls = 100] = positionals.map(Number)
const RACK = 'acme/dev'
const PATHS = ['/system', '/instances', '/system/processes']

const server = await startBenchConsole()
try {
  const result = await measure(server.web, server.apiKey)
  process.stdout.write(
    [
      `${clients} clients, ${streams} open streams, ${rolls} rolls in a row`,
      `requests       ${result.requests}`,
      `failures       ${result.failures.length}`,
      `streams cut    ${result.cut}`,
      `roll, ms       p50 ${at(result.times, 0.5)}, p99 ${at(result.times, 0.99)}`,
      ...result.failures.slice(0, 5).map((failure) => `  ${failure}`),
      '',
    ].join('\n'),
  )
  process.exitCode = result.failures.length + result.cut === 0 ? 0 : 1
} finally {
  await server.stop()
}

async function measure(web: string, apiKey: string) {
  const failures: string[] = []
  let requests = 0
  let busy = true
  const client = createClient({
    url: web,
    password: Secret.of(apiKey),
    rack: RACK,
    version: 'bench',
  })
  await until(() => client.request('GET', '/system').then(Boolean, () => false))

  let cut = 0
  const open: Duplex[] = []
  for (let index = 0; index < streams; index += 1) {
    const stream = await client.stream('/system/logs', {})
    stream.resume()
    stream.on('error', () => undefined)
    stream.once('close', () => {
      if (busy) cut += 1
    })
    open.push(stream)
  }
  const agent = new Agent({ keepAlive: true, maxSockets: clients })
  const working = Array.from({ length: clients }, async (_, index) => {
    while (busy) {
      const status = await ask(web, agent, apiKey, PATHS[index % PATHS.length] ?? '/system')
      requests += 1
      if (status !== '200') failures.push(status)
    }
  })
  const times: number[] = []
  for (let turn = 0; turn < rolls; turn += 1) times.push(await roll(web, apiKey))
  busy = false
  await Promise.all(working)
  agent.destroy()
  for (const stream of open) stream.destroy()
  return { requests, failures, cut, times: times.sort((a, b) => a - b) }
}

/** The status, or what went wrong instead. */
function ask(web: string, agent: Agent, apiKey: string, path: string): Promise<string> {
  return new Promise((resolve) => {
    const headers = { authorization: basicHeader(Secret.of(apiKey)).reveal(), rack: RACK }
    const sent = request(`${web}${path}`, { agent, headers }, (answer) => {
      answer.resume()
      answer.once('error', (error) => resolve(error.message))
      answer.once('end', () => resolve(String(answer.statusCode)))
    })
    sent.once('error', (error) => resolve(error.message))
    sent.end()
  })
}

/** Milliseconds from the request for a roll to its proof. */
async function roll(web: string, apiKey: string): Promise<number> {
  const path = `${web}/api/racks/${RACK}/key/roll`
  const headers = {
    authorization: basicHeader(Secret.of(apiKey)).reveal(),
    'content-type': 'application/json',
  }
  const began = performance.now()
  const begun = await fetch(path, { method: 'POST', headers, body: '{}' })
  if (begun.status !== 202) throw new Error(`a roll was refused: ${await begun.text()}`)
  await until(async () => {
    const answer = await fetch(path, { headers })
    return ((await answer.json()) as { state: string }).state === 'done'
  })
  return Math.round(performance.now() - began)
}

async function until(is: () => Promise<boolean>): Promise<void> {
  while (!(await is())) await new Promise((resolve) => setTimeout(resolve, 20))
}

function at(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
}
