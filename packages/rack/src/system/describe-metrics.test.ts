import { KeyrackError } from '@keyrack/protocol'
import { describe, expect, it } from 'vitest'
import { describeMetrics } from './describe-metrics.ts'
import { UsageHistory } from './usage-history.ts'

const NOON = Date.parse('2026-11-23T12:00:00Z')
const MINUTE_MS = 60_000

const log = { warn: () => {} }

/** A history of looks, one a minute before noon, each with the shares of the processor of its instances. */
async function historyOf(looks: number[][], keep?: number): Promise<UsageHistory> {
  let at = NOON - looks.length * MINUTE_MS
  let shares: number[] = []
  const instances = async () =>
    shares.map((cpu, index) => ({
      ...{ id: `i-${index}`, status: 'running' as const, startedAt: 0, agent: true },
      ...{ privateIp: '', publicIp: '', processes: 0, cpu, memory: cpu / 2 },
    }))
  const history = new UsageHistory({
    ...{ engine: { instances }, log, now: () => at },
    ...(keep === undefined ? {} : { keep }),
  })
  for (const look of looks) {
    at += MINUTE_MS
    shares = look
    await history.look()
  }
  return history
}

async function ask(history: UsageHistory, query: string) {
  return describeMetrics(history.samples, new URLSearchParams(query), NOON)
}

describe('the metrics of a Rack', () => {
  it('are percent over all instances and looks of a period', async () => {
    const history = await historyOf([[0.1, 0.3], [0.2], []])
    const [cpu, memory, ...others] = await ask(history, 'period=86400')
    expect(others).toEqual([])
    expect(cpu).toEqual({
      name: 'cluster:cpu:utilization',
      values: [{ avg: 20, count: 3, max: 30, min: 10, sum: 60, time: '2026-11-23T00:00:00.000Z' }],
    })
    expect(memory).toMatchObject({
      name: 'cluster:mem:utilization',
      values: [{ avg: 10, max: 15 }],
    })
  })

  it('are of the last day by the hour, or of the time and the period that were asked for', async () => {
    const history = await historyOf(Array.from({ length: 120 }, () => [0.5]))
    const times = async (query: string) =>
      (await ask(history, query))[0]?.values.map(({ time }) => time.slice(11, 16))
    expect(await times('')).toEqual(['10:00', '11:00', '12:00'])
    expect(await times('period=7200')).toEqual(['10:00', '12:00'])
    const half = 'start=20261123.113000.000000000&end=20261123.113100.000000000&period=60'
    expect(await times(half)).toEqual(['11:30', '11:31'])
    expect(await times('end=20261122.000000.000000000')).toEqual([])
  })

  it('are those that were asked for by name; names of others are left out', async () => {
    const history = await historyOf([[0.5]])
    const names = async (list: string) =>
      (await ask(history, `metrics=${list}`)).map(({ name }) => name)
    expect(await names('cluster:mem:utilization,cluster:cpu:reservation')).toEqual([
      'cluster:mem:utilization',
    ])
    expect(await names('nothing')).toEqual([])
    expect(await names('')).toHaveLength(2)
  })

  it.each([
    ['start=yesterday', 'start'],
    ['end=20261399.000000.000000000', 'end'],
    ['end=2026-11-23T00:00:00Z', 'end'],
    ['period=0', 'period'],
    ['period=-60', 'period'],
    ['period=1e3', 'period'],
    ['period=99999999999999999999', 'period'],
  ])('refuse %s by the name of the field', async (query, field) => {
    const history = await historyOf([[0.5]])
    const error = await ask(history, query).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(KeyrackError)
    expect(error).toMatchObject({ code: 'invalid', field })
  })
})

describe('the history of use', () => {
  it('holds so many looks and no more, the newest ones', async () => {
    const history = await historyOf([[0.1], [0.2], [0.3], [0.4]], 3)
    expect(history.samples.map(({ cpu }) => cpu.sum)).toEqual([0.2, 0.3, 0.4])
  })

  it('has a gap, and a line in the log, where the engine does not answer', async () => {
    const said: string[] = []
    const engine = { instances: () => Promise.reject(new Error('away')) }
    const history = new UsageHistory({ engine, log: { warn: (_, text) => said.push(text) } })
    await history.look()
    expect(history.samples).toEqual([])
    expect(said).toHaveLength(1)
  })
})
