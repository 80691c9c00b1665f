import type { Readable, Writable } from 'node:stream'
import type { ServerChannel } from 'ssh2'

/** The client is gone: whoever produces output should stop. */
export class ChannelClosed extends Error {}

/**
 * What a session prints, sent to the client with one write outstanding at a time.
 *
 * ssh2 1.17 keeps one waiting chunk per direction and, when the client opens its window again,
 * looks at the chunk of stdout first, even one that was sent long ago: output on stderr that met a
 * full window would repeat old bytes of stdout and then hang (lib/Channel.js, lib/server.js,
 * CHANNEL_WINDOW_ADJUST). So stdout and stderr take turns, and the old chunk is forgotten first.
 */
export class ChannelOutput {
  readonly #channel: ServerChannel
  readonly #closed: Promise<never>
  #turn: Promise<void> = Promise.resolve()

  constructor(channel: ServerChannel) {
    this.#channel = channel
    this.#closed = new Promise((_resolve, reject) => {
      channel.once('close', () => reject(new ChannelClosed('the client closed the session')))
    })
    this.#closed.catch(() => {})
    // A write that loses the race against the client's close; `#closed` tells the writers.
    channel.on('error', () => {})
    channel.stderr.on('error', () => {})
  }

  /** Resolves when the bytes were handed to the connection, which waits for the client's window. */
  write(kind: 'stdout' | 'stderr', bytes: Uint8Array): Promise<void> {
    const turn = this.#turn.then(() => this.#send(kind, bytes))
    this.#turn = turn.catch(() => {})
    return turn
  }

  /** Sends everything a stream produces, no faster than the client reads. */
  async copy(kind: 'stdout' | 'stderr', source: Readable): Promise<void> {
    for await (const chunk of source) await this.write(kind, chunk)
  }

  #send(kind: 'stdout' | 'stderr', bytes: Uint8Array): Promise<void> {
    const target: Writable = kind === 'stdout' ? this.#channel : this.#channel.stderr
    if (kind === 'stderr') Object.assign(this.#channel, { _chunk: undefined, _chunkcb: undefined })
    const sent = new Promise<void>((resolve, reject) => {
      if (target.writableEnded) reject(new ChannelClosed('the client closed the session'))
      else target.write(bytes, (error) => (error ? reject(error) : resolve()))
    })
    return Promise.race([sent, this.#closed])
  }
}
