import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { until } from '../conformance-client.ts'
import { markVariables } from './process-mark.ts'
import { cpuSeconds, residentBytes, UsageMeter } from './usage.ts'

const OWNER = 'abcdefabcdefabcdefabcdefabcdef00'

describe('what an instance uses', () => {
  it('is read from the kernel whatever a program is called', () => {
    const after = 'S 1 2 3 0 -1 4194560 103 0 0 0 1234 66 50 150 20 0 1 0 100 1000 20'
    for (const name of ['sleep', 'a b', 'a) S 9 9 9', '((']) {
      expect(cpuSeconds(`42 (${name}) ${after}\n`)).toBe(15)
    }
    expect(residentBytes('Name:\tsleep\nVmHWM:\t 9999 kB\nVmRSS:\t    2048 kB\n')).toBe(
      2 * 1024 ** 2,
    )
    expect(residentBytes('Name:\tkthreadd\n')).toBe(0)
  })

  it('is the sum over its processes, apart from those of others', async () => {
    const clock = { now: 0 }
    const meter = new UsageMeter(OWNER, () => clock.now)
    expect(await meter.read()).toEqual(new Map())
    const idle = 'echo ready; read line'
    const busy = 'echo ready; while :; do :; done'
    for (const [instance, script] of [
      ['i-1', idle],
      ['i-1', busy],
      ['i-2', idle],
    ] as const) {
      const env = markVariables({ owner: OWNER, instance })
      const child = spawn('/bin/sh', ['-c', script], { env })
      onTestFinished(() => void child.kill('SIGKILL'))
      await once(child.stdout, 'data')
    }
    // One of an instance's processes is its own server, which is not counted. A process that is
    // just becoming another program shows nothing for a moment, so the first look may be too early.
    const both = await until(async () => {
      clock.now += 1000
      const usage = await meter.read()
      return usage.get('i-1')?.processes === 1 && usage.has('i-2') ? usage : undefined
    })
    expect(both.get('i-2')).toMatchObject({ processes: 0 })
    expect(both.get('i-1')?.memory).toBeGreaterThan(0)

    const later = await until(async () => {
      clock.now += 1000
      const usage = await meter.read()
      return (usage.get('i-1')?.cpu ?? 0) > 0 ? usage : undefined
    })
    expect(later.get('i-1')?.cpu).toBeLessThanOrEqual(1)
    expect(later.get('i-2')?.cpu).toBe(0)
  })

  it('is looked at again only after a while', async () => {
    const clock = { now: 0 }
    const meter = new UsageMeter(OWNER, () => clock.now)
    const first = meter.read()
    clock.now = 249
    expect(meter.read()).toBe(first)
    clock.now = 250
    expect(meter.read()).not.toBe(first)
    await meter.read()
  })
})
