/**
 * For tests: the proxy and its Rack in a process of their own, so that its memory can be watched.
 * The Rack swallows uploads and answers how much came; a GET of `/objects` sends `BYTES` zeros.
 */

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { startProxiedRack } from './proxied-rack.ts'

const CHUNK = Buffer.alloc(64 * 1024)

export type Report = { port: number; authorization: string } | { rss: number; peak: number }

function* zeros(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= CHUNK.length) {
    yield left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK
  }
}

const running = await startProxiedRack({
  request: async (request, answer) => {
    if (request.method === 'GET') {
      const bytes = Number(request.headers.range?.replace('bytes=0-', '') ?? 0)
      await pipeline(Readable.from(zeros(bytes)), answer).catch(() => undefined)
      return
    }
    let bytes = 0
    for await (const chunk of request) bytes += chunk.length
    answer.end(String(bytes))
  },
})

let peak = 0
setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss())
}, 20)
process.on('message', () => {
  process.send?.({ rss: process.memoryUsage.rss(), peak } satisfies Report)
  peak = 0
})
process.on('disconnect', () => process.exit())
process.send?.({ port: running.port, authorization: running.authorization } satisfies Report)
