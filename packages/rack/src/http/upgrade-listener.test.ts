import { once } from 'node:events'
import { join } from 'node:path'
import { EXIT_MARKER } from '@keyrack/protocol'
import { generateSshKeyPair, mintApiKey } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { openTestStore } from '../testing/open-test-store.ts'
import {
  BINARY,
  credential,
  exchange,
  openRawStream,
  openTls,
  shown,
  TEXT,
} from '../testing/raw-stream.ts'
import { shareTestRack, startTestRack } from '../testing/start-test-rack.ts'
import { waitUntil } from '../testing/wait-until.ts'

const rack = shareTestRack()

describe('before the upgrade', () => {
  it.each(['/nope', '/system', '/racks', '/instances', '/apps/x/nothing'])(
    'a stream of %s is an empty 404',
    async (path) => {
      const stream = await openRawStream(rack().port, path, credential(rack().key))
      await stream.ended
      expect(stream.head).toMatch(/^HTTP\/1\.1 404 /)
      expect(stream.head).toMatch(/content-length: 0/i)
    },
  )

  it('an upgrade to anything else is an empty 404', async () => {
    const headers = { ...credential(rack().key), Upgrade: 'h2c' }
    expect((await openRawStream(rack().port, await rack().shellPath(), headers)).status).toBe(404)
  })

  it('a page of another site is refused with 403, even with the right key', async () => {
    const headers = { ...credential(rack().key), Origin: 'https://evil.example' }
    expect((await openRawStream(rack().port, await rack().shellPath(), headers)).status).toBe(403)
  })

  it('the Origin of the Rack itself, as official Go clients send it, is accepted', async () => {
    const headers = { ...credential(rack().key), Origin: rack().url, Command: 'true' }
    expect((await openRawStream(rack().port, await rack().shellPath(), headers)).status).toBe(101)
  })

  it('a handshake without its key is a JSON error', async () => {
    const said = await exchange(
      rack().port,
      `GET ${await rack().shellPath()} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    )
    expect(said).toMatch(/^HTTP\/1\.1 422 /)
    expect(said).toContain('WebSocket handshake')
  })

  it('a path that is not accepted is a JSON error', async () => {
    const stream = await openRawStream(rack().port, '/instances/../x/shell')
    expect(stream.status).toBe(422)
  })
})

describe('a stream without the Rack API key', () => {
  it.each([
    ['no key', () => ({})],
    ['another key', () => credential(mintApiKey('rack'))],
    ['an empty key', () => credential('')],
  ])('with %s is upgraded, told so, and ended with exit status 1', async (_what, headers) => {
    const stream = await openRawStream(rack().port, await rack().shellPath(), headers())
    expect(stream.status).toBe(101)
    await stream.ended
    // The text is what official clients print; the name of the request is beside it.
    expect(stream.head).toMatch(/^Request-Id: [0-9a-f]{12}\r?$/m)
    expect(shown(stream.frames)).toEqual([
      [TEXT, 'ERROR: invalid authentication\n'],
      [TEXT, `${EXIT_MARKER}1\n`],
      [BINARY, ''],
    ])
  })

  it('is called what the Console in front called it', async () => {
    const headers = { 'Request-Id': 'console-4711' }
    const stream = await openRawStream(rack().port, await rack().shellPath(), headers)
    expect(stream.head).toMatch(/^Request-Id: console-4711\r?$/m)
  })

  it('runs nothing', async () => {
    const stream = await openRawStream(rack().port, await rack().shellPath(), {
      ...credential(mintApiKey('rack')),
      Command: 'echo it ran',
    })
    await stream.ended
    expect(stream.text).not.toContain('it ran')
  })

  it('of a route without exit status ends without the marker', async () => {
    const stream = await openRawStream(rack().port, '/system/logs')
    await stream.ended
    expect(shown(stream.frames)).toEqual([
      [TEXT, 'ERROR: invalid authentication\n'],
      [BINARY, ''],
    ])
  })
})

describe('a Rack that stops', () => {
  it('tells every client, and stops', async () => {
    const stopping = await startTestRack()
    const [id] = await stopping.instanceIds()
    const headers = { ...credential(stopping.key), Command: 'echo ready; sleep 1000' }
    const streams = await Promise.all(
      [1, 2].map(() => openRawStream(stopping.port, `/instances/${id}/shell`, headers)),
    )
    for (const stream of streams) await stream.until(({ text }) => text.includes('ready'))
    await stopping.stop()
    for (const stream of streams) {
      await stream.ended
      expect(shown(stream.frames).slice(-3)).toEqual([
        [TEXT, 'ERROR: the Rack is stopping; try again in a moment\n'],
        [TEXT, `${EXIT_MARKER}1\n`],
        [BINARY, ''],
      ])
    }
  })

  it('does not wait for a client that does not read', async () => {
    const stopping = await startTestRack()
    const [id] = await stopping.instanceIds()
    const headers = { ...credential(stopping.key), Command: 'yes' }
    const stream = await openRawStream(stopping.port, `/instances/${id}/shell`, headers)
    await stream.until(({ text }) => text.includes('y\n'))
    stream.socket.pause()
    await stopping.stop()
  })

  it('does not wait for a client that never hangs up', async () => {
    const stopping = await startTestRack()
    const [id] = await stopping.instanceIds()
    const socket = await openTls(stopping.port, { allowHalfOpen: true })
    socket.write(
      `GET /instances/${id}/shell HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${'A'.repeat(22)}==\r\n\r\n`,
    )
    await once(socket, 'data')
    socket.resume()
    await stopping.stop()
  })

  it('lets a request that it has begun have its answer', async () => {
    const stopping = await startTestRack()
    const socket = await openTls(stopping.port)
    let said = ''
    socket.setEncoding('latin1').on('data', (text) => {
      said += text
    })
    const authorization = credential(stopping.key).Authorization
    socket.write(
      `DELETE /instances/i-none HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n` +
        'Expect: 100-continue\r\nContent-Length: 4\r\n\r\n',
    )
    // The Rack has begun the request and waits for its body.
    await waitUntil(() => said.startsWith('HTTP/1.1 100 '))
    const stopped = stopping.stop()
    socket.write('body')
    await stopped
    expect(said).toContain('HTTP/1.1 404 ')
    expect(said).toContain('instance not found: i-none')
  })
})

describe('streams that are not built yet', () => {
  it('say so, with the exit marker only where the route has one', async () => {
    const logs = await openRawStream(rack().port, '/apps/x/logs', credential(rack().key))
    const exec = await openRawStream(
      rack().port,
      '/apps/x/processes/p/exec',
      credential(rack().key),
    )
    await Promise.all([logs.ended, exec.ended])
    expect(logs.text).toBe('ERROR: this Rack does not have apps.logs yet\n')
    expect(exec.text).toBe(`ERROR: this Rack does not have processes.exec yet\n${EXIT_MARKER}1\n`)
  })
})

describe('the host key of an instance', () => {
  it('that differs from the recorded one ends the stream before the key is used', async () => {
    const started = await startTestRack()
    const [id] = await started.instanceIds()
    const headers = { ...credential(started.key), Command: 'echo in' }
    const path = `/instances/${id}/shell`
    const first = await openRawStream(started.port, path, headers)
    await first.ended
    expect(first.text).toContain('in\n')

    const store = await openTestStore(join(started.dataDir, 'racks', 'dev', 'db'))
    const other = generateSshKeyPair('other').publicKey.split(' ')[1] ?? ''
    await store.db.updateTable('known_instances').set({ host_key: other }).execute()
    const second = await openRawStream(started.port, path, headers)
    await second.ended
    expect(second.text).toContain(`ERROR: instance ${id} shows another SSH host key`)
    expect(second.text).not.toContain('in\n')
    expect(second.text).toContain(`${EXIT_MARKER}1\n`)
  })
})

describe('a mistake of the Rack itself', () => {
  it('is told as such, with the id under which the log has the reason', async () => {
    const started = await startTestRack()
    const [id] = await started.instanceIds()
    const store = await openTestStore(join(started.dataDir, 'racks', 'dev', 'db'))
    await store.db.updateTable('ssh_keys').set({ private_key_sealed: 'krs1.damaged' }).execute()
    const headers = { ...credential(started.key), 'Request-Id': 'damaged-key-01' }
    const stream = await openRawStream(started.port, `/instances/${id}/shell`, headers)
    await stream.ended
    expect(stream.text).toBe(
      'ERROR: the Rack failed while handling this stream; its log has the reason under request damaged-key-01\n' +
        `${EXIT_MARKER}1\n`,
    )
    const lines = started.lines.filter((line) => line.includes('damaged-key-01'))
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(['error', 'info'])
  })
})
