import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { collectLog } from '../testing/collect-log.ts'
import { openTestStore } from '../testing/open-test-store.ts'
import { temporaryFolder } from '../testing/temporary-folder.ts'
import { SystemLog } from './system-log.ts'

async function openLog(options: { file?: string; keep?: number } = {}) {
  const store = await openTestStore(options.file)
  const { log, lines } = collectLog()
  let at = 0
  const now = () => ++at
  const keep = options.keep === undefined ? {} : { keep: options.keep }
  return { store, lines, systemLog: await SystemLog.open({ store, log, now, ...keep }) }
}

function messages(log: SystemLog, after = 0): string[] {
  return log.after(after).map(({ message }) => message)
}

const STAYS = new AbortController().signal

describe('the log of a Rack', () => {
  it('gives its lines in order, and those after one of them', async () => {
    const { systemLog } = await openLog()
    expect([systemLog.lastId, messages(systemLog)]).toEqual([0, []])
    for (const text of ['one', 'two', 'three']) systemLog.add('rack/dev', text)
    expect(systemLog.after(0)[0]).toEqual({ id: 1, at: 1, source: 'rack/dev', message: 'one' })
    expect(messages(systemLog, 1)).toEqual(['two', 'three'])
    expect(messages(systemLog, 3)).toEqual([])
    expect(messages(systemLog, 99)).toEqual([])
  })

  it('is there at the next start, and goes on counting', async () => {
    const file = join(temporaryFolder(), 'db')
    const first = await openLog({ file })
    for (const text of ['one', 'two']) first.systemLog.add('rack/dev', text)
    await first.systemLog.close()
    await first.store.close()
    const second = await openLog({ file })
    expect(messages(second.systemLog)).toEqual(['one', 'two'])
    second.systemLog.add('rack/dev', 'three')
    expect(second.systemLog.after(2)).toMatchObject([{ id: 3, message: 'three' }])
  })

  it('keeps the newest lines only, in memory and in the database', async () => {
    const { systemLog, store } = await openLog({ keep: 10 })
    for (let number = 1; number <= 1000; number++) {
      systemLog.add('rack/dev', String(number))
      expect(systemLog.after(0).length).toBeLessThanOrEqual(11)
    }
    expect(messages(systemLog).at(-1)).toBe('1000')
    expect(messages(systemLog, 998)).toEqual(['999', '1000'])
    await systemLog.close()
    const stored = await store.db.selectFrom('system_log').select('message').orderBy('id').execute()
    expect(stored.map(({ message }) => Number(message))).toEqual(
      Array.from({ length: 10 }, (_, index) => 991 + index),
    )
  })

  it('makes one storable line of any text', async () => {
    const { systemLog, store } = await openLog()
    systemLog.add('rack/dev', 'a\nb\r\n\u0000\u001b[2J\u0085c')
    systemLog.add('rack/dev', `\ud83d ${'😀'.repeat(5000)}`)
    await systemLog.close()
    const [first, second] = messages(systemLog)
    expect(first).toBe('a b [2J c')
    expect(second?.length).toBeLessThan(1100)
    const stored = await store.db.selectFrom('system_log').select('message').orderBy('id').execute()
    expect(stored.map(({ message }) => message)).toEqual([first, second])
  })

  it('goes on when it cannot be stored, and stores what was missed when it can again', async () => {
    const { systemLog, store, lines } = await openLog()
    await store.db.schema.alterTable('system_log').renameTo('elsewhere').execute()
    systemLog.add('rack/dev', 'missed')
    await systemLog.close()
    expect(messages(systemLog)).toEqual(['missed'])
    expect(lines.join('')).toContain('the log of the Rack cannot be stored')
    await store.db.schema.alterTable('elsewhere').renameTo('system_log').execute()
    systemLog.add('rack/dev', 'later')
    await systemLog.close()
    const stored = await store.db.selectFrom('system_log').select('message').orderBy('id').execute()
    expect(stored).toEqual([{ message: 'missed' }, { message: 'later' }])
  })

  it('wakes everybody who waits for more, and leaves whoever gives up alone', async () => {
    const { systemLog } = await openLog()
    const leaves = new AbortController()
    const waiting = [systemLog.moreThan(0, STAYS), systemLog.moreThan(0, STAYS)]
    const left = systemLog.moreThan(0, leaves.signal)
    leaves.abort(new Error('gone'))
    await expect(left).rejects.toThrow('gone')
    await expect(systemLog.moreThan(0, leaves.signal)).rejects.toThrow('gone')
    systemLog.add('rack/dev', 'one')
    await Promise.all(waiting)
    await systemLog.moreThan(0, STAYS)
  })
})
