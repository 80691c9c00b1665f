import { once } from 'node:events'
import { createLogger } from '@keyrack/server'
import { readConfig } from '../config.ts'
import type { KeyrollPoint } from '../keyroll/keyroll-points.ts'
import { startRack } from '../wire.ts'
import { createFarmEngine } from './farm-engine.ts'

/**
 * A Rack as its own process, with the machines of a farm. Its parent may name a point of the keyroll;
 * when the Rack comes there it tells the parent and waits for its word, so the parent can kill it
 * right there, or do something else.
 */
const [socket = ''] = process.argv.slice(2)

let pauseAt: unknown
process.on('message', (message) => {
  if (typeof message === 'object' && message !== null && 'pauseAt' in message) {
    pauseAt = message.pauseAt
    process.send?.({ type: 'pausing' })
  }
})

async function point(name: KeyrollPoint): Promise<void> {
  if (name !== pauseAt) return
  pauseAt = undefined
  process.send?.({ type: 'point', name })
  await once(process, 'message')
}

const config = readConfig({ env: process.env })
const log = createLogger({ name: 'rack', level: 'debug', human: false })
const { url, fingerprint, rackId } = await startRack(config, log, {
  createEngine: (options) => createFarmEngine(socket, options),
  keyroll: { point, instanceMs: 20_000, retryMs: { first: 100, most: 200 } },
})
process.send?.({ type: 'ready', url, fingerprint, rackId })
process.once('disconnect', () => process.exit(0))
