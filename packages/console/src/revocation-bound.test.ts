import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { KeyrackError } from '@keyrack/protocol'
import { hashApiKey, type Secret } from '@keyrack/secrets'
import { HAS_POSTGRES } from '@keyrack/server/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { regenerateApiKey } from './api-keys/regenerate-api-key.ts'
import { beforeDirectory } from './http/before-directory.ts'
import { basic } from './http/testing/serve-console.ts'
import {
  founder,
  openDomain,
  REQUEST,
  type TestDomain,
  testFolder,
} from './testing/console-domain.ts'
import { eventually } from './testing/eventually.ts'
import { twoConsoles } from './testing/two-consoles.ts'

/** A way to the database that can be cut: what a broken network does to one Console. */
async function cuttableWay(url: string) {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  let open = true
  const server = createServer((near) => {
    if (!open) {
      near.destroy()
      return
    }
    const far = connect(Number(target.port), target.hostname)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far).pipe(near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const cut = (): void => {
    open = false
    for (const socket of sockets) socket.destroy()
  }
  onTestFinished(() => {
    cut()
    server.close()
  })
  const way = new URL(url)
  way.hostname = '127.0.0.1'
  way.port = String(port)
  const mend = (): void => {
    open = true
  }
  return { url: way.href, cut, mend }
}

describe.runIf(HAS_POSTGRES)('a revoked key', () => {
  it('is refused by three Consoles, one of them cut off from the database, and stays refused', async () => {
    const { url, env, folders } = await twoConsoles()
    const first = await openDomain(folders[0], { env })
    const second = await openDomain(folders[1], { env })
    const way = await cuttableWay(url)
    const third = await openDomain(testFolder(), { env: { ...env, DATABASE_URL: way.url } })
    /** What a request with that key meets: a Console that cannot ask the database refuses all. */
    const meets = async (at: TestDomain, key: Secret): Promise<'served' | 'refused' | 'closed'> => {
      try {
        await beforeDirectory(at, basic(key.reveal()))
      } catch (error) {
        if (error instanceof KeyrackError && error.code === 'not-ready') return 'closed'
        throw error
      }
      return at.directory.accountByApiKeyHash(hashApiKey(key)) !== undefined ? 'served' : 'refused'
    }
    const ada = await founder(first)
    let key = ada.apiKey
    const took = { connected: [] as number[], 'cut off': [] as number[] }
    const answers = new Set<string>()
    for (let round = 0; round < 12; round += 1) {
      for (const at of [second, third]) {
        await eventually('the key works', async () => (await meets(at, key)) === 'served')
      }
      way.cut()
      const old = key
      key = (await regenerateApiKey(first, ada.id, REQUEST)).apiKey
      const ended = performance.now()
      const until = async (at: TestDomain, times: number[]) => {
        for (;;) {
          const met = await meets(at, old)
          if (met !== 'served') {
            answers.add(met)
            break
          }
          await new Promise((resolve) => setImmediate(resolve))
        }
        times.push(performance.now() - ended)
      }
      await Promise.all([until(second, took.connected), until(third, took['cut off'])])
      expect([await meets(first, old), await meets(second, old)]).toEqual(['refused', 'refused'])
      expect(await meets(third, old)).toBe('closed')
      expect(await meets(third, key)).toBe('closed')
      way.mend()
      await eventually('it is connected again', async () => (await meets(third, key)) === 'served')
      expect(await meets(third, old)).toBe('refused')
    }
    expect([...answers].sort()).toEqual(['closed', 'refused'])
    for (const [which, times] of Object.entries(took)) {
      const sorted = times.sort((a, b) => a - b)
      const at = (part: number) => Math.ceil(sorted[Math.ceil(sorted.length * part) - 1] ?? 0)
      process.stdout.write(`refused after, ${which}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms\n`)
    }
  })
})
