import { once } from 'node:events'
import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { parseBasic } from '@keyrack/protocol'
import { mintApiKey } from '@keyrack/secrets'
import { expect, it, onTestFinished } from 'vitest'
import { eventually } from '../testing/eventually.ts'
import { type ProxiedRack, startProxiedRack } from './testing/proxied-rack.ts'

/** A Rack that answers when the test says so. */
async function held() {
  const asked: Array<{ request: IncomingMessage; answer: ServerResponse }> = []
  const rack = await startProxiedRack({
    request: (request, answer) => void asked.push({ request, answer }),
  })
  onTestFinished(() => rack.close())
  return { rack, asked }
}

function ask({ port, authorization }: ProxiedRack) {
  const headers = { authorization, rack: 'acme/dev', host: `localhost:${port}` }
  const sent = request({ port, path: '/system', headers, agent: false })
  const answered = once(sent, 'response').then(([answer]) => answer as IncomingMessage)
  sent.end()
  return answered
}

function keyOf(request: IncomingMessage | undefined): string | undefined {
  return parseBasic(request?.headers.authorization)?.candidates[0]?.reveal()
}

it('a request counts for the key it carries until the head of its answer, and no longer', async () => {
  const { rack, asked } = await held()
  const answered = ask(rack)
  await eventually('the request', () => asked.length === 1)
  expect(rack.keysInFlight.older('rack-1', 2)).toBe(1)
  expect(rack.keysInFlight.older('rack-1', 1)).toBe(0)
  const letGo = rack.keysInFlight.drained('rack-1', 2, new AbortController().signal)
  asked[0]?.answer.write('the body goes on and on')
  await letGo
  expect(rack.keysInFlight.older('rack-1', 2)).toBe(0)
  asked[0]?.answer.end()
  expect((await answered).statusCode).toBe(200)
})

it('a request that fails, or whose client leaves, keeps no old key alive', async () => {
  const { rack, asked } = await held()
  const first = ask(rack)
  await eventually('the request', () => asked.length === 1)
  asked[0]?.request.socket.destroy()
  asked[0]?.answer.destroy()
  await eventually('the repeated request', () => asked.length === 2)
  asked[1]?.request.socket.destroy()
  expect((await first).statusCode).toBe(502)
  expect(rack.keysInFlight.older('rack-1', 2)).toBe(0)
})

it('a request that begins after a roll carries the new key', async () => {
  const { rack, asked } = await held()
  const next = mintApiKey('rack')
  const before = ask(rack)
  await eventually('the request', () => asked.length === 1)
  rack.rollKey(next)
  const after = ask(rack)
  await eventually('the second request', () => asked.length === 2)
  expect(keyOf(asked[0]?.request)).toBe(rack.rackKey.reveal())
  expect(keyOf(asked[1]?.request)).toBe(next.reveal())
  for (const { answer } of asked) answer.end()
  await Promise.all([before, after])
})

it('what a Rack says of its key stays with the Console', async () => {
  const { rack, asked } = await held()
  const answered = ask(rack)
  await eventually('the request', () => asked.length === 1)
  asked[0]?.answer.writeHead(200, { 'Keyrack-Key-Generation': '7' }).end()
  expect((await answered).headers).not.toHaveProperty('keyrack-key-generation')
  expect(rack.heard).toEqual([7])
})
