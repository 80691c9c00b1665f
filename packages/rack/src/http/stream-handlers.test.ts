import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { EXIT_MARKER } from '@keyrack/protocol'
import { describe, expect, it } from 'vitest'
import { ask } from '../testing/ask.ts'
import {
  BINARY,
  CLOSE,
  credential,
  openRawStream,
  PING,
  PONG,
  shown,
  TEXT,
} from '../testing/raw-stream.ts'
import { shareTestRack } from '../testing/start-test-rack.ts'
import { isRunning, waitUntil } from '../testing/wait-until.ts'

const rack = shareTestRack()

describe('a command on an instance', () => {
  it.each(['shell', 'ssh'])(
    'by /%s: output, exit status alone in its frame, end',
    async (route) => {
      const stream = await openRawStream(rack().port, await rack().shellPath(route), {
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
    const stream = await openRawStream(rack().port, await rack().shellPath(), headers)
    await stream.ended
    expect(stream.frames.some(({ opcode }) => opcode === CLOSE)).toBe(false)
  })

  it('reads input until the empty binary frame, and bytes that are no text pass unchanged', async () => {
    const headers = { ...credential(rack().key), Command: 'cat' }
    const stream = await openRawStream(rack().port, await rack().shellPath(), headers)
    const bytes = Buffer.from([0x50, 0x00, 0xff, 0xfe, 0x41, 0x80, 0x0a])
    stream.send(TEXT, bytes)
    stream.send(BINARY, '')
    await stream.ended
    expect(stream.text).toBe(`${bytes.toString('latin1')}${EXIT_MARKER}0\n`)
  })

  it('gets every byte of a large input and sends every byte of a large output', async () => {
    const client = await rack()
      .client()
      .stream(await rack().shellPath(), { Command: 'cat' })
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
    const said = await latin1Stream(await rack().shellPath(), headers)
    expect(said).toBe(`grün ☂${EXIT_MARKER}0\n`)
  })

  it('has a terminal of the given size when Height is sent', async () => {
    const headers = { ...credential(rack().key), Height: '41', Width: '97', Terminal: 'xterm' }
    const stream = await openRawStream(rack().port, await rack().shellPath(), {
      ...headers,
      Command: 'stty size; test -t 0 && echo terminal',
    })
    await stream.ended
    expect(stream.text).toBe(`41 97\r\nterminal\r\n${EXIT_MARKER}0\n`)
  })

  it('has no terminal without Height', async () => {
    const stream = await openRawStream(rack().port, await rack().shellPath(), {
      ...credential(rack().key),
      Width: '97',
      Command: 'test -t 0 || echo none',
    })
    await stream.ended
    expect(stream.text).toBe(`none\n${EXIT_MARKER}0\n`)
  })

  it('is a login shell when there is none', async () => {
    const stream = await openRawStream(
      rack().port,
      await rack().shellPath(),
      credential(rack().key),
    )
    stream.send(TEXT, 'echo $((6 * 7))\nexit 3\n')
    await stream.ended
    expect(stream.text).toContain('42\n')
    expect(stream.text).toContain(`${EXIT_MARKER}3\n`)
  })

  it('that ends by a signal has the status that shells give it', async () => {
    const headers = { ...credential(rack().key), Command: 'kill -9 $$' }
    const stream = await openRawStream(rack().port, await rack().shellPath(), headers)
    await stream.ended
    expect(stream.text).toBe(`${EXIT_MARKER}137\n`)
  })

  it('with a size that is no number is refused, naming the header', async () => {
    const headers = { ...credential(rack().key), Command: 'true', Height: 'tall' }
    const stream = await openRawStream(rack().port, await rack().shellPath(), headers)
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
    const stream = await openRawStream(rack().port, await rack().shellPath(), headers)
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
    const stream = await openRawStream(rack().port, await rack().shellPath(), {
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
    const stream = await openRawStream(rack().port, await rack().shellPath(), headers)
    // A frame that announces 2^40 bytes, which nobody may make the Rack wait for.
    stream.socket.write(Buffer.from([0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4]))
    await stream.ended
    expect((await ask(rack().port, 'GET /check')).status).toBe(200)
  })

  it('a client that does not read holds its command back instead of filling memory', async () => {
    const path = await rack().shellPath()
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
    const path = await rack().shellPath()
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
    const stream = await openRawStream(rack().port, await rack().shellPath(), {
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
