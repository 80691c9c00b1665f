import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, expect, it } from 'vitest'
import { errorFrame, exitFrame, exitWith, FrameStream, failWith } from './stream.ts'
import { framesOf, happened, openPair, readAll } from './stream-pair.fixture.ts'

const END = Buffer.alloc(0)
const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))

function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at++) bytes[at] = (at * 7 + (at >> 8)) & 0xff
  return bytes
}

describe('the frames of a server', () => {
  it('are text whatever the bytes are, then an empty binary frame, then no Close frame', async () => {
    await using pair = await openPair()
    const frames = framesOf(pair.clientSocket)
    const closed = once(pair.clientSocket, 'close')
    pair.server.write(everyByte)
    pair.server.end()
    expect(await frames).toEqual([{ text: everyByte }, 'end'])
    expect((await closed)[0]).toBe(1006)
  })

  it('carry the exit code alone in its own frame, after the output', async () => {
    await using pair = await openPair()
    const frames = framesOf(pair.clientSocket)
    pair.server.write('out')
    exitWith(pair.server, 7)
    expect(await frames).toEqual([
      { text: Buffer.from('out') },
      { text: Buffer.from('F1E49A85-0AD7-4AEF-A618-C249C6E6568D:7\n') },
      'end',
    ])
  })

  it('never exceed what old clients take', async () => {
    await using pair = await openPair()
    const frames = framesOf(pair.clientSocket)
    const sent = pattern(1_000_003)
    pair.server.end(sent)
    const texts = (await frames).flatMap((frame) => (frame === 'end' ? [] : [frame.text]))
    expect(Math.max(...texts.map((text) => text.length))).toBe(8192)
    expect(Buffer.concat(texts).equals(sent)).toBe(true)
  })

  it('say a failure as text, with the exit code where the route has one', async () => {
    await using pair = await openPair()
    const frames = framesOf(pair.clientSocket)
    failWith(pair.server, 'disk is 100% full', 1)
    expect(await frames).toEqual([
      { text: Buffer.from('ERROR: disk is 100 percent full\n') },
      { text: Buffer.from(exitFrame(1)) },
      'end',
    ])
    expect(errorFrame('%d%s')).not.toContain('%')
  })

  it('a failure after the client left is silent', async () => {
    await using pair = await openPair()
    const closed = happened(pair.server, 'close')
    pair.clientSocket.terminate()
    await closed
    failWith(pair.server, 'too late', 1)
    exitWith(pair.server, 0)
    expect(pair.server.errored).toBeNull()
  })

  it('an empty write sends nothing that could be taken for an end', async () => {
    await using pair = await openPair()
    const frames = framesOf(pair.clientSocket)
    pair.server.write('')
    pair.server.end('x')
    expect(await frames).toEqual([{ text: Buffer.from('x') }, 'end'])
  })
})

describe('what a server reads', () => {
  it('ends at the first binary frame, whatever it holds and whatever follows', async () => {
    await using pair = await openPair()
    pair.clientSocket.send('a', { binary: false })
    pair.clientSocket.send(everyByte, { binary: false })
    pair.clientSocket.send('ignored', { binary: true })
    pair.clientSocket.send('late', { binary: false })
    expect(await readAll(pair.server)).toEqual(Buffer.concat([Buffer.from('a'), everyByte]))
  })

  it('does not end the other direction', async () => {
    await using pair = await openPair()
    const frames = framesOf(pair.clientSocket)
    pair.clientSocket.send(END, { binary: true })
    await readAll(pair.server)
    pair.server.end('still here')
    expect(await frames).toEqual([{ text: Buffer.from('still here') }, 'end'])
  })

  it('an empty text frame is nothing, not an end', async () => {
    await using pair = await openPair()
    pair.clientSocket.send('', { binary: false })
    pair.clientSocket.send('x', { binary: false })
    pair.clientSocket.send(END, { binary: true })
    expect(await readAll(pair.server)).toEqual(Buffer.from('x'))
  })

  it('arrives whole when it is read slower than it is sent', async () => {
    await using pair = await openPair()
    const sent = pattern(8_000_000)
    for (let at = 0; at < sent.length; at += 1000) {
      pair.clientSocket.send(sent.subarray(at, at + 1000), { binary: false })
    }
    pair.clientSocket.send(END, { binary: true })
    const chunks: Buffer[] = []
    for await (const chunk of pair.server) {
      chunks.push(chunk)
      if (chunks.length % 100 === 0) await new Promise(setImmediate)
    }
    expect(Buffer.concat(chunks).equals(sent)).toBe(true)
  })

  it('is held back in the sender when nobody reads it, and still arrives whole', async () => {
    await using pair = await openPair()
    const sent = pattern(32_000_000)
    for (let at = 0; at < sent.length; at += 64_000) {
      pair.clientSocket.send(sent.subarray(at, at + 64_000), { binary: false })
    }
    pair.clientSocket.send(END, { binary: true })
    // The pings of a paused server: it stopped reading, and no kernel takes this much.
    for (let pings = 0; pings < 3; pings++) await happened(pair.clientSocket, 'ping')
    expect(pair.clientSocket.bufferedAmount).toBeGreaterThan(1_000_000)
    expect((await readAll(pair.server)).equals(sent)).toBe(true)
  })
})

describe('a client that vanishes', () => {
  it('destroys the server side without an error', async () => {
    await using pair = await openPair()
    const closed = happened(pair.server, 'close')
    pair.clientSocket.terminate()
    await closed
    expect(pair.server.errored).toBeNull()
  })

  it('destroys it also while its input is held back, unread', async () => {
    await using pair = await openPair()
    const chunk = pattern(65_536)
    for (let count = 0; count < 512; count++) pair.clientSocket.send(chunk, { binary: false })
    await happened(pair.clientSocket, 'ping')
    const closed = happened(pair.server, 'close')
    pair.clientSocket.terminate()
    await closed
  })

  it('destroys it while the server is writing more than fits', async () => {
    await using pair = await openPair()
    pair.clientSocket.pause()
    pair.server.write(pattern(32_000_000))
    const closed = happened(pair.server, 'close')
    pair.clientSocket.terminate()
    await closed
    expect(pair.server.destroyed).toBe(true)
  })

  it('or breaks the protocol ends in an error that nobody has to catch', async () => {
    await using pair = await openPair()
    const closed = happened(pair.server, 'close')
    const raw = Reflect.get(pair.clientSocket, '_socket')
    raw.write(Buffer.from([0xff, 0xff, 0xff, 0xff]))
    await closed
    expect(pair.server.errored).toBeInstanceOf(Error)
  })

  it('a frame larger than any real one ends the connection', async () => {
    await using pair = await openPair()
    const closed = happened(pair.server, 'close')
    pair.clientSocket.send(Buffer.alloc(2 * 1024 * 1024), { binary: false })
    await closed
    expect(pair.server.errored).toBeInstanceOf(Error)
  })
})

describe('pings', () => {
  it('are answered, and thousands at once do not end the connection', async () => {
    await using pair = await openPair()
    for (let count = 0; count < 5000; count++) pair.clientSocket.ping(String(count))
    await new Promise<void>((resolve) => {
      pair.clientSocket.on('pong', (data) => {
        if (String(data) === '4999') resolve()
      })
    })
    pair.clientSocket.send('alive', { binary: false })
    pair.clientSocket.send(END, { binary: true })
    expect(await readAll(pair.server)).toEqual(Buffer.from('alive'))
  })

  it('after the end frame disturb nothing', async () => {
    await using pair = await openPair()
    const frames = framesOf(pair.clientSocket)
    pair.clientSocket.on('message', (_data, isBinary) => {
      if (isBinary) pair.clientSocket.ping()
    })
    exitWith(pair.server, 0)
    expect(await frames).toEqual([{ text: Buffer.from(exitFrame(0)) }, 'end'])
    expect(pair.server.errored).toBeNull()
  })
})

describe('a client reading a server that drops TCP after its end frame', () => {
  it('gets every byte although its own writing side stays open', async () => {
    await using pair = await openPair()
    const client = new FrameStream(pair.clientSocket, { frameBytesMax: 1024 })
    const sent = pattern(5_000_000)
    pair.server.end(sent)
    await happened(pair.server, 'close')
    expect((await readAll(client)).equals(sent)).toBe(true)
    if (!client.closed) await happened(client, 'close')
    expect(client.errored).toBeNull()
  })

  it('gets every byte and the exit code while it still sends input that nobody reads', async () => {
    await using pair = await openPair()
    const client = new FrameStream(pair.clientSocket, { frameBytesMax: 1024 })
    const input = Readable.from(
      (function* () {
        for (;;) yield pattern(65_536)
      })(),
    )
    const feeding = pipeline(input, client).catch(() => 'stopped')
    await happened(pair.clientSocket, 'ping')
    const sent = pattern(3_000_000)
    pair.server.write(sent)
    exitWith(pair.server, 3)
    const received = await readAll(client)
    expect(received.equals(Buffer.concat([sent, Buffer.from(exitFrame(3))]))).toBe(true)
    await feeding
  })

  it('gets what came with a Close frame instead of an end frame, as gen1 servers end', async () => {
    await using pair = await openPair()
    const client = new FrameStream(pair.clientSocket, { frameBytesMax: 1024 })
    pair.server.write('classic', () => {
      pair.serverSocket.end(Buffer.from([0x88, 0x02, 0x03, 0xe8]))
    })
    expect(await readAll(client)).toEqual(Buffer.from('classic'))
  })

  it('is told when the connection breaks instead, after everything that arrived', async () => {
    await using pair = await openPair()
    const client = new FrameStream(pair.clientSocket, { frameBytesMax: 1024 })
    const sent = pattern(2_000_000)
    pair.server.write(sent, () => pair.serverSocket.end())
    const chunks: Buffer[] = []
    client.on('data', (chunk) => chunks.push(chunk))
    const [error] = await once(client, 'error')
    expect(error).toMatchObject({ code: 'rack-unreachable' })
    expect(Buffer.concat(chunks).equals(sent)).toBe(true)
    expect(client.readableEnded).toBe(false)
  })

  it('is told so only after it has read what waited for it', async () => {
    await using pair = await openPair()
    const client = new FrameStream(pair.clientSocket, { frameBytesMax: 1024 })
    const sent = pattern(100_000)
    pair.server.write(sent, () => pair.serverSocket.end())
    await happened(pair.clientSocket, 'close')
    const chunks: Buffer[] = []
    client.on('data', (chunk) => chunks.push(chunk))
    await happened(client, 'close')
    expect(client.errored).toMatchObject({ code: 'rack-unreachable' })
    expect(Buffer.concat(chunks).equals(sent)).toBe(true)
  })

  it('is told so too when it only writes', async () => {
    await using pair = await openPair()
    const client = new FrameStream(pair.clientSocket, { frameBytesMax: 1024 })
    const closed = happened(client, 'close')
    pair.serverSocket.destroy()
    await closed
    expect(client.errored).toMatchObject({ code: 'rack-unreachable' })
  })
})

describe('both ends together', () => {
  it('carry megabytes both ways at once, byte for byte', async () => {
    await using pair = await openPair()
    const client = new FrameStream(pair.clientSocket, { frameBytesMax: 1024 })
    const sent = pattern(4_000_001)
    const echo = pipeline(pair.server, pair.server)
    client.end(sent)
    expect((await readAll(client)).equals(sent)).toBe(true)
    await echo.catch(() => {})
  })

  it('client frames stay within what old servers take', async () => {
    await using pair = await openPair()
    const sizes: number[] = []
    const client = new FrameStream(pair.clientSocket, { frameBytesMax: 1024 })
    pair.server.on('data', (chunk) => sizes.push(chunk.length))
    client.end(pattern(10_000))
    await once(pair.server, 'end')
    expect(Math.max(...sizes)).toBe(1024)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(10_000)
  })

  it('a client that is destroyed ends the server at once', async () => {
    await using pair = await openPair()
    const client = new FrameStream(pair.clientSocket)
    const closed = happened(pair.server, 'close')
    client.destroy()
    await closed
    expect(client.errored).toBeNull()
  })
})
