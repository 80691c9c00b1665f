import { Duplex } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { collectLog } from '../testing/collect-log.ts'
import { openTestStore } from '../testing/open-test-store.ts'
import { type LogOptions, streamLogs } from './stream-logs.ts'
import { SystemLog } from './system-log.ts'

const NOW = Date.UTC(2026, 10, 23, 12, 0, 0)
const UNSAID: LogOptions = {
  filter: undefined,
  follow: undefined,
  prefix: undefined,
  since: undefined,
}

async function openLog() {
  const clock = { at: NOW }
  const store = await openTestStore()
  const { log } = collectLog()
  const systemLog = await SystemLog.open({ store, log, now: () => clock.at })
  return { clock, systemLog }
}

/** Lines of an hour, a minute and a second ago. */
async function someLog() {
  const { clock, systemLog } = await openLog()
  for (const [ago, text] of [
    [3_600_000, 'an hour'],
    [60_000, 'a minute'],
    [1_000, 'a second'],
  ] as const) {
    clock.at = NOW - ago
    systemLog.add('instance/i-1', text)
  }
  clock.at = NOW
  return { clock, systemLog }
}

/** A client's stream; with `taken`, each part waits until the test takes it. */
function start(
  systemLog: SystemLog,
  options: Partial<LogOptions>,
  taken?: (take: () => void) => void,
) {
  const output: string[] = []
  const stream = new Duplex({
    highWaterMark: 64,
    read() {},
    write(chunk: Buffer, _encoding, done) {
      const take = (): void => {
        output.push(chunk.toString('utf8'))
        done()
      }
      if (taken === undefined) take()
      else taken(take)
    },
  })
  const leaves = new AbortController()
  const { signal } = leaves
  const request = { options: { ...UNSAID, ...options }, stream, signal, now: () => NOW }
  const ended = streamLogs(systemLog, request)
  ended.catch(() => {})
  return { stream, output, ended, leave: () => leaves.abort(new Error('left')) }
}

async function once(options: Partial<LogOptions>): Promise<string> {
  const { systemLog } = await someLog()
  const { output, ended } = start(systemLog, { follow: 'false', ...options })
  await ended
  return output.join('')
}

describe('a log stream that does not follow', () => {
  it('has the last two minutes when nothing else is said', async () => {
    expect(await once({})).toBe('a minute\na second\n')
  })

  it.each([
    ['1h1m', 'an hour\na minute\na second\n'],
    ['30s', 'a second\n'],
    ['0s', ''],
    ['', 'a minute\na second\n'],
  ])('has what happened since %j', async (since, said) => {
    expect(await once({ since })).toBe(said)
  })

  it.each(['soon', '-5m', '1d', '5', '1s'.repeat(1000)])('refuses since %j', async (since) => {
    await expect(once({ since })).rejects.toThrow(
      expect.objectContaining({ code: 'invalid', field: 'Since' }),
    )
  })

  it('puts time and source before each line when asked for the prefix', async () => {
    expect(await once({ prefix: 'true', since: '30s' })).toBe(
      '2026-11-23T11:59:59Z system/instance/i-1 a second\n',
    )
  })

  it('filters by text and source, the prefix shown or not', async () => {
    expect(await once({ since: '2h', filter: 'minute' })).toBe('a minute\n')
    expect(await once({ since: '2h', filter: 'instance/i-1 -minute' })).toBe('an hour\na second\n')
    expect(await once({ since: '2h', filter: 'i-2' })).toBe('')
  })
})

describe('a log stream that follows', () => {
  it.each([undefined, 'true'])(
    'does so with Follow %s, until the client leaves',
    async (follow) => {
      const { systemLog } = await someLog()
      const { output, ended, leave } = start(systemLog, { follow, since: '30s' })
      systemLog.add('rack/dev', 'new')
      await systemLog.close()
      systemLog.add('rack/dev', 'newer')
      await systemLog.close()
      expect(output).toEqual(['a second\n', 'new\n', 'newer\n'])
      leave()
      await expect(ended).rejects.toThrow('left')
    },
  )

  it('shows new lines although the clock was put back', async () => {
    const { clock, systemLog } = await someLog()
    const { output, leave } = start(systemLog, { since: '30s' })
    clock.at = NOW - 86_400_000
    systemLog.add('rack/dev', 'new')
    await systemLog.close()
    expect(output).toEqual(['a second\n', 'new\n'])
    leave()
  })
})

describe('a client that does not read', () => {
  it('holds its own stream back, and gets every kept line in order when it reads', async () => {
    const { systemLog } = await openLog()
    const waiting: Array<() => void> = []
    const client = start(systemLog, {}, (take) => waiting.push(take))
    const sent = Array.from({ length: 100 }, (_, number) => `line ${number}\n`)
    for (const line of sent) systemLog.add('rack/dev', line)
    await systemLog.close()
    expect(client.stream.writableLength).toBeLessThan(200)
    while (client.output.length < sent.length) {
      waiting.shift()?.()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(client.output).toEqual(sent)
    client.leave()
    await expect(client.ended).rejects.toThrow('left')
  })

  it('ends its stream by leaving', async () => {
    const { systemLog } = await openLog()
    for (let number = 0; number < 10; number++) systemLog.add('rack/dev', 'x'.repeat(100))
    const client = start(systemLog, {}, () => {})
    client.leave()
    await expect(client.ended).rejects.toThrow('left')
  })
})
