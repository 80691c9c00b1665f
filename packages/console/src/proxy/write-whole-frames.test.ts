import { Writable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { writeWholeFrames } from './write-whole-frames.ts'

/** A socket that keeps each write by itself, as a TLS record each. */
function recordsOf() {
  const records: Buffer[] = []
  const socket = new Writable({
    write(chunk: Buffer, _encoding, done) {
      records.push(chunk)
      setImmediate(done)
    },
  })
  return { records, socket: socket as never }
}

/** A client's frame (RFC 6455 5.2), under a mask of zeros. */
function frame(length: number, opcode = 1): Buffer {
  const sized = length < 126 ? [length] : length < 65_536 ? [126, 0, 0] : [127, ...Array(8).fill(0)]
  const head = Buffer.from([0x80 | opcode, ...sized])
  if (length >= 65_536) head.writeUInt32BE(length, 6)
  else if (length >= 126) head.writeUInt16BE(length, 2)
  head.writeUInt8(head.readUInt8(1) | 0x80, 1)
  return Buffer.concat([head, Buffer.alloc(4), Buffer.alloc(length, 'x')])
}

async function write(chunks: readonly Buffer[]): Promise<Buffer[]> {
  const { records, socket } = recordsOf()
  const writer = writeWholeFrames(socket)
  for (const chunk of chunks) writer.write(chunk)
  await new Promise<void>((resolve) => writer.end(() => resolve()))
  return records
}

/** The bytes, cut at the given places. */
function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.map((place) => place % (bytes.length + 1)), bytes.length]
  places.sort((one, other) => one - other)
  return places.slice(1).map((place, index) => bytes.subarray(places[index], place))
}

/** Where each ends in all of them together. */
function ends(parts: readonly Buffer[]): number[] {
  let end = 0
  return parts.map(({ length }) => {
    end += length
    return end
  })
}

const lengths = fc.array(
  fc.oneof(fc.constantFrom(0, 125, 126, 1024), fc.integer({ min: 0, max: 2000 })),
  { maxLength: 40 },
)

describe('writing whole frames', () => {
  it('begins no record within a frame, and fills none beyond what is read at once', async () => {
    await fc.assert(
      fc.asyncProperty(lengths, fc.array(fc.nat()), async (wanted, places) => {
        const frames = wanted.map((length) => frame(length))
        const records = await write(cut(Buffer.concat(frames), places))
        expect(Buffer.concat(records).equals(Buffer.concat(frames))).toBe(true)
        const borders = new Set(ends(frames))
        for (const { length } of records) expect(length).toBeLessThanOrEqual(10 * 1024)
        for (const end of ends(records)) expect(borders.has(end)).toBe(true)
      }),
    )
  })

  it('loses and changes nothing, whatever it is given', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
            fc.integer({ min: 0, max: 70_000 }).map((length) => frame(length)),
          ),
          { maxLength: 6 },
        ),
        fc.array(fc.nat()),
        async (parts, places) => {
          const bytes = Buffer.concat(parts)
          expect(Buffer.concat(await write(cut(bytes, places))).equals(bytes)).toBe(true)
        },
      ),
    )
  })

  it('holds back neither a frame that is whole nor what is no frame of a client', async () => {
    const { records, socket } = recordsOf()
    const writer = writeWholeFrames(socket)
    const arrived = (bytes: Buffer) => expect.poll(() => Buffer.concat(records)).toEqual(bytes)
    writer.write(frame(1))
    await arrived(frame(1))
    // A long one goes as it comes, and a ping behind it as soon as it is there.
    const long = frame(70_000)
    writer.write(long.subarray(0, 100))
    await arrived(Buffer.concat([frame(1), long.subarray(0, 100)]))
    const ping = frame(4, 9)
    writer.write(Buffer.concat([long.subarray(100), ping]))
    await arrived(Buffer.concat([frame(1), long, ping]))
    writer.write(Buffer.from('GET'))
    await arrived(Buffer.concat([frame(1), long, ping, Buffer.from('GET')]))
  })
})
