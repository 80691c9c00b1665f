import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { EXIT_MARKER } from '@keyrack/protocol'
import { generateSshKeyPair, mintApiKey } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { ask } from '../test/ask.ts'
import { openTestStore } from '../test/open-test-store.ts'
import {
  BINARY,
  CLOSE,
  credential,
  exchange,
  openRawStream,
  openTls,
  PING,
  PONG,
  TEXT,
} from '../test/raw-stream.ts'
import { shareTestRack, startTestRack } from '../test/start-test-rack.ts'
import { isRunning, waitUntil } from '../test/wait-until.ts'

const rack = shareTestRack()

async function shellPath(route = 'shell'): Promise<string> {
  const [id] = await rack().instanceIds()
  return `/instances/${id}/${route}`
}

function shown(frames: ReadonlyArray<{ opcode: number; payload: Buffer }>) {
  return frames.map(({ opcode, payload }) => [opcode, payload.toString('utf8')])
}

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
    expect((await openRawStream(rack().port, await shellPath(), headers)).status).toBe(404)
  })

  it('a page of another site is refused with 403, even with the right key', async () => {
    const headers = { ...credential(rack().key), Origin: 'https://evil.example' }
    expect((await openRawStream(rack().port, await shellPath(), headers)).status).toBe(403)
  })

  it('the Origin of the Rack itself, as official Go clients send it, is accepted', async () => {
    const headers = { ...credential(rack().key), Origin: rack().url, Command: 'true' }
    expect((await openRawStream(rack().port, await shellPath(), headers)).status).toBe(101)
  })

  it('a handshake without its key is a JSON error', async () => {
    const said = await exchange(
      rack().port,
      `GET ${await shellPath()} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
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
    const stream = await openRawStream(rack().port, await shellPath(), headers())
    expect(stream.status).toBe(101)
    await stream.ended
    expect(shown(stream.frames)).toEqual([
      [TEXT, 'ERROR: invalid authentication\n'],
      [TEXT, `${EXIT_MARKER}1\n`],
      [BINARY, ''],
    ])
  })

  it('runs nothing', async () => {
    const stream = await openRawStream(rack().port, await shellPath(), {
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

describe('a command on an instance', () => {
  it.each(['shell', 'ssh'])(
    'by /%s: output, exit status alone in its frame, end',
    async (route) => {
      const stream = await openRawStream(rack().port, await shellPath(route), {
        ...credential(rack().key),
        Command: 'echo out; echo err >&2; exit 7',
      })
      await stream.ended
      const frames = shown(stream.frames)
      expect(frames.slice(-2)).toEqual([
        [TEXT, `${EXIT_MARKER}7\n`],
        [BINARY, ''],
      ])
      const output = frames.slice(0, -2)
      expect(output.every(([opcode]) => opcode === TEXT)).toBe(true)
      // Two pipes, so either may come first.
      expect(
        output
          .map(([, text]) => text)
          .sort()
          .join(''),
      ).toBe('err\nout\n')
    },
  )

  it('is not followed by a Close frame: official readers take the end of TCP', async () => {
    const headers = { ...credential(rack().key), Command: 'true' }
    const stream = await openRawStream(rack().port, await shellPath(), headers)
    await stream.ended
    expect(stream.frames.some(({ opcode }) => opcode === CLOSE)).toBe(false)
  })

  it('reads input until the empty binary frame, and bytes that are no text pass unchanged', async () => {
    const headers = { ...credential(rack().key), Command: 'cat' }
    const stream = await openRawStream(rack().port, await shellPath(), headers)
    const bytes = Buffer.from([0x50, 0x00, 0xff, 0xfe, 0x41, 0x80, 0x0a])
    stream.send(TEXT, bytes)
    stream.send(BINARY, '')
    await stream.ended
    expect(stream.text).toBe(`${bytes.toString('latin1')}${EXIT_MARKER}0\n`)
  })

  it('gets every byte of a large input and sends every byte of a large output', async () => {
    const client = await rack()
      .client()
      .stream(await shellPath(), { Command: 'cat' })
    const sent = Buffer.alloc(3_000_000, 'the quick brown fox ')
    client.end(sent)
    const chunks: Buffer[] = []
    for await (const chunk of client) chunks.push(chunk)
    const marker = Buffer.from(`${EXIT_MARKER}0\n`)
    const received = Buffer.concat(chunks)
    expect(received.length).toBe(sent.length + marker.length)
    expect(received.equals(Buffer.concat([sent, marker]))).toBe(true)
  })

  it('may hold any characters', async () => {
    const headers = {
      ...credential(rack().key),
      // A Go client puts the UTF-8 bytes into the header as they are.
      Command: Buffer.from("printf '%s' 'grün ☂'").toString('latin1'),
    }
    const said = await latin1Stream(await shellPath(), headers)
    expect(said).toBe(`grün ☂${EXIT_MARKER}0\n`)
  })

  it('has a terminal of the given size when Height is sent', async () => {
    const headers = { ...credential(rack().key), Height: '41', Width: '97', Terminal: 'xterm' }
    const stream = await openRawStream(rack().port, await shellPath(), {
      ...headers,
      Command: 'stty size; test -t 0 && echo terminal',
    })
    await stream.ended
    expect(stream.text).toBe(`41 97\r\nterminal\r\n${EXIT_MARKER}0\n`)
  })

  it('has no terminal without Height', async () => {
    const stream = await openRawStream(rack().port, await shellPath(), {
      ...credential(rack().key),
      Width: '97',
      Command: 'test -t 0 || echo none',
    })
    await stream.ended
    expect(stream.text).toBe(`none\n${EXIT_MARKER}0\n`)
  })

  it('is a login shell when there is none', async () => {
    const stream = await openRawStream(rack().port, await shellPath(), credential(rack().key))
    stream.send(TEXT, 'echo $((6 * 7))\nexit 3\n')
    await stream.ended
    expect(stream.text).toContain('42\n')
    expect(stream.text).toContain(`${EXIT_MARKER}3\n`)
  })

  it('that ends by a signal has the status that shells give it', async () => {
    const headers = { ...credential(rack().key), Command: 'kill -9 $$' }
    const stream = await openRawStream(rack().port, await shellPath(), headers)
    await stream.ended
    expect(stream.text).toBe(`${EXIT_MARKER}137\n`)
  })

  it('with a size that is no number is refused, naming the header', async () => {
    const headers = { ...credential(rack().key), Command: 'true', Height: 'tall' }
    const stream = await openRawStream(rack().port, await shellPath(), headers)
    await stream.ended
    expect(stream.text).toBe(
      `ERROR: the header Height must be a number of characters\n${EXIT_MARKER}1\n`,
    )
  })

  it('on an unknown instance says so', async () => {
    const headers = { ...credential(rack().key), Command: 'true' }
    const stream = await openRawStream(rack().port, '/instances/i-none/shell', headers)
    await stream.ended
    expect(stream.text).toBe(`ERROR: instance not found: i-none\n${EXIT_MARKER}1\n`)
  })
})

describe('while a stream is open', () => {
  it('pings are answered, with what they carry', async () => {
    const headers = { ...credential(rack().key), Command: 'cat' }
    const stream = await openRawStream(rack().port, await shellPath(), headers)
    stream.send(PING, 'are you there')
    await stream.until(({ frames }) => frames.some(({ opcode }) => opcode === PONG))
    stream.send(BINARY, '')
    await stream.ended
    expect(shown(stream.frames)).toEqual([
      [PONG, 'are you there'],
      [TEXT, `${EXIT_MARKER}0\n`],
      [BINARY, ''],
    ])
  })

  it.each([
    ['closes with 1000, as gen1 clients end', (close: CloseOptions) => close.frame()],
    ['drops the connection', (close: CloseOptions) => close.drop()],
  ])('a client that %s ends what runs for it', async (_what, leave) => {
    const stream = await openRawStream(rack().port, await shellPath(), {
      ...credential(rack().key),
      Command: 'echo pid $$; sleep 1000 & wait',
    })
    await stream.until(({ text }) => /pid \d+\n/.test(text))
    const pid = Number(/pid (\d+)/.exec(stream.text)?.[1])
    expect(isRunning(pid)).toBe(true)
    leave({
      frame: () => stream.send(CLOSE, Buffer.from([1000 >> 8, 1000 & 255])),
      drop: () => stream.socket.destroy(),
    })
    await waitUntil(() => !isRunning(pid))
  })

  it('a frame that no client sends ends that stream only', async () => {
    const headers = { ...credential(rack().key), Command: 'cat' }
    const stream = await openRawStream(rack().port, await shellPath(), headers)
    // A frame that announces 2^40 bytes, which nobody may make the Rack wait for.
    stream.socket.write(Buffer.from([0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4]))
    await stream.ended
    expect((await ask(rack().port, 'GET /check')).status).toBe(200)
  })

  it('a client that does not read holds its command back instead of filling memory', async () => {
    const path = await shellPath()
    const done = join(rack().dataDir, 'all-was-written')
    const idle = await rack()
      .client()
      .stream(path, { Command: `head -c 40000000 /dev/zero; touch ${done}` })
    // Not read from now on. The other one gets three times as much through in the meantime.
    const busy = await rack().client().stream(path, { Command: 'head -c 120000000 /dev/zero' })
    let received = 0
    for await (const chunk of busy) received += chunk.length
    expect(received).toBeGreaterThan(120_000_000)
    expect(existsSync(done)).toBe(false)
    // Held back, not lost.
    let late = 0
    for await (const chunk of idle) late += chunk.length
    expect(late).toBe(40_000_000 + `${EXIT_MARKER}0\n`.length)
    expect(existsSync(done)).toBe(true)
  })

  it('a command that does not read holds its client back instead of filling memory', async () => {
    const path = await shellPath()
    const idle = await rack().client().stream(path, { Command: 'sleep 1000' })
    let written = false
    idle.write(Buffer.alloc(40_000_000), () => {
      written = true
    })
    const busy = await rack().client().stream(path, { Command: 'wc -c' })
    busy.end(Buffer.alloc(80_000_000))
    let said = ''
    for await (const chunk of busy) said += chunk
    expect(said).toContain('80000000')
    expect(written).toBe(false)
    idle.destroy()
  })

  it('an instance that dies ends the stream with a reason and status 1', async () => {
    const stream = await openRawStream(rack().port, await shellPath(), {
      ...credential(rack().key),
      Command: 'echo pid $PPID; sleep 1000',
    })
    await stream.until(({ text }) => /pid \d+\n/.test(text))
    process.kill(Number(/pid (\d+)/.exec(stream.text)?.[1]), 'SIGKILL')
    await stream.ended
    expect(stream.text).toMatch(/ERROR: instance i-\w+ went away during the session; /)
    expect(shown(stream.frames).slice(-2)).toEqual([
      [TEXT, `${EXIT_MARKER}1\n`],
      [BINARY, ''],
    ])
    await waitUntil(async () => (await rack().instanceIds()).length === 3)
  })

  it('a Rack that stops tells every client, and stops', async () => {
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
})

describe('a Rack that stops', () => {
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

interface CloseOptions {
  frame(): void
  drop(): void
}

async function latin1Stream(path: string, headers: Record<string, string>): Promise<string> {
  const stream = await openRawStream(rack().port, path, headers)
  await stream.ended
  return Buffer.from(stream.text, 'latin1').toString('utf8')
}
