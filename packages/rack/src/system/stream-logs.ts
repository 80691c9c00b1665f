import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { KeyrackError, parseDuration } from '@keyrack/protocol'
import { logFilter } from './log-filter.ts'
import type { LogLine, SystemLog } from './system-log.ts'

/** The option headers of a log stream as they came (protocol.md 7.3). */
export interface LogOptions {
  filter: string | undefined
  follow: string | undefined
  prefix: string | undefined
  since: string | undefined
}

export interface LogRequest {
  options: LogOptions
  stream: Duplex
  /** Aborted when the client is gone or the server stops. */
  signal: AbortSignal
  now?: () => number
}

const SINCE_MS = 2 * 60_000

/** Writes the lines of the last minutes, then each new one until the client leaves. */
export async function streamLogs(log: SystemLog, request: LogRequest): Promise<void> {
  const { options, stream, signal, now = Date.now } = request
  const from = now() - sinceMs(options.since)
  const passes = logFilter(options.filter ?? '')
  // As Go servers read a flag: only `true` is true. Following is what happens without a word.
  const follow = options.follow === undefined || options.follow === 'true'
  const prefix = options.prefix === 'true'
  // Nothing is expected from the client; what it sends must not pile up.
  stream.resume()

  let lastId = 0
  // Later lines are new whatever the clock says, which may have been put back.
  const alreadyThere = log.lastId
  for (;;) {
    for (const line of log.after(lastId)) {
      lastId = line.id
      if (line.id <= alreadyThere && line.at < from) continue
      if (!passes(withSource(line))) continue
      const text = prefix ? `${timeOf(line)} ${withSource(line)}\n` : `${line.message}\n`
      if (!stream.write(text)) await drained(stream, signal)
    }
    if (!follow && lastId >= alreadyThere) return
    await log.moreThan(lastId, signal)
  }
}

function sinceMs(text: string | undefined): number {
  if (text === undefined || text === '') return SINCE_MS
  const milliseconds = parseDuration(text)
  if (milliseconds !== undefined) return milliseconds
  throw new KeyrackError('invalid', 'the header Since must be a duration', {
    field: 'Since',
    hint: 'write it as 30s, 10m or 1h30m',
  })
}

function withSource({ source, message }: LogLine): string {
  return `system/${source} ${message}`
}

/** RFC 3339 in whole seconds, as Go writes it. */
function timeOf({ at }: LogLine): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`
}

async function drained(stream: Duplex, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  try {
    await once(stream, 'drain', { signal })
  } catch {
    throw signal.reason
  }
}
