import type { Duplex } from 'node:stream'
import { createClient } from '@keyrack/protocol/client'
import { Secret } from '@keyrack/secrets'
import { expect, it } from 'vitest'
import { eventually } from '../testing/eventually.ts'
import { rolledConsole, shareRunningRack } from './testing/rolled-console.ts'

const CLIENTS = 16
const STREAMS = 5
const ROLLS = 10

const rack = shareRunningRack()

it('fails no request and cuts no stream while the key is rolled ten times', async () => {
  const served = await rolledConsole(rack())
  const client = createClient({
    url: `http://localhost:${served.port}`,
    password: Secret.of(served.key),
    rack: 'acme/live',
    version: 'test',
  })
  const streams = await Promise.all(
    Array.from({ length: STREAMS }, async () => watch(await client.stream('/system/logs', {}))),
  )
  let rolling = true
  let answered = 0
  const failures: unknown[] = []
  const clients = Array.from({ length: CLIENTS }, async (_, index) => {
    while (rolling) {
      const path = index % 2 === 0 ? '/system' : '/instances'
      await client.request('GET', path).then(
        () => {
          answered += 1
        },
        (error: unknown) => failures.push(error),
      )
    }
  })
  const keys = new Set([served.held().reveal()])
  for (let turn = 0; turn < ROLLS; turn += 1) {
    await served.roll()
    await served.until('done')
    keys.add(served.held().reveal())
  }
  // What the Rack says of the last roll reaches streams that were opened under its first key.
  const heard = streams.map(({ lines }) => lines())
  expect(Math.min(...heard)).toBeGreaterThanOrEqual(ROLLS)
  rolling = false
  await Promise.all(clients)
  expect(failures).toEqual([])
  expect(answered).toBeGreaterThan(CLIENTS * ROLLS)
  expect(keys.size).toBe(ROLLS + 1)
  expect(streams.filter(({ ended }) => ended())).toEqual([])
  for (const { stream } of streams) stream.destroy()
  await eventually('the streams to be gone', () => streams.every(({ ended }) => ended()))
}, 120_000)

function watch(stream: Duplex) {
  let text = ''
  let ended = false
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8')
  })
  stream.once('close', () => {
    ended = true
  })
  stream.on('error', () => undefined)
  return { stream, lines: () => text.split('\n').length - 1, ended: () => ended }
}
