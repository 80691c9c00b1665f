import { KeyrackError } from '@keyrack/protocol'
import type { Measured, UsageSample } from './usage-history.ts'

const HOUR_S = 3600
const DAY_MS = 24 * HOUR_S * 1000
const PERIOD_S_MAX = 31 * 24 * HOUR_S

/**
 * The names of official Racks, of which these two say something here: nothing reserves a share of
 * an instance, so the `reservation` metrics do not exist.
 */
const METRICS = [
  ['cluster:cpu:utilization', (sample: UsageSample) => sample.cpu],
  ['cluster:mem:utilization', (sample: UsageSample) => sample.memory],
] as const

/**
 * The answer of `GET /system/metrics` (protocol.md 5.4 and 6.3): `start` and `end` in Go's layout
 * `20060102.150405.000000000`, `period` in seconds, `metrics` a list with commas. Percent of a
 * machine over all instances; periods without a measurement are left out.
 */
export function describeMetrics(
  samples: readonly UsageSample[],
  query: URLSearchParams,
  now: number = Date.now(),
) {
  const end = readTime(query, 'end') ?? now
  const start = readTime(query, 'start') ?? end - DAY_MS
  const periodMs = readPeriod(query) * 1000
  const wanted = query.get('metrics') || undefined
  const names = wanted?.split(',').map((name) => name.trim())
  const within = samples.filter(({ at }) => at >= start && at <= end)
  return METRICS.filter(([name]) => names?.includes(name) ?? true).map(([name, of]) => ({
    name,
    values: [...inPeriods(within, periodMs)].map(([time, period]) => ({
      ...summary(period.map(of)),
      time: new Date(time).toISOString(),
    })),
  }))
}

/** By the beginning of the period, aligned to the epoch as official Racks align it. */
function inPeriods(samples: readonly UsageSample[], periodMs: number): Map<number, UsageSample[]> {
  const periods = new Map<number, UsageSample[]>()
  for (const sample of samples) {
    const begin = sample.at - (sample.at % periodMs)
    const period = periods.get(begin)
    if (period === undefined) periods.set(begin, [sample])
    else period.push(sample)
  }
  return periods
}

function summary(measured: readonly Measured[]) {
  const count = measured.reduce((total, one) => total + one.count, 0)
  const sum = measured.reduce((total, one) => total + one.sum, 0)
  return {
    avg: percent(sum / count),
    count,
    max: percent(Math.max(...measured.map(({ max }) => max))),
    min: percent(Math.min(...measured.map(({ min }) => min))),
    sum: percent(sum),
  }
}

function percent(share: number): number {
  return Math.floor(share * 10_000) / 100
}

function readTime(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name) || undefined
  if (text === undefined) return undefined
  const parts = /^(\d{4})(\d\d)(\d\d)\.(\d\d)(\d\d)(\d\d)\.(\d{3})\d{6}$/.exec(text)
  const [year, month, day, hour, minute, second, ms] = parts?.slice(1) ?? []
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`)
  if (!Number.isNaN(time)) return time
  throw new KeyrackError('invalid', `"${name}" is not a time`, {
    field: name,
    hint: 'give it in UTC, as in 20180901.020304.000000000',
  })
}

function readPeriod(query: URLSearchParams): number {
  const text = query.get('period') || String(HOUR_S)
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (seconds >= 1 && seconds <= PERIOD_S_MAX) return seconds
  throw new KeyrackError('invalid', '"period" is not a number of seconds', {
    field: 'period',
    hint: `give it as a whole number from 1 to ${PERIOD_S_MAX}`,
  })
}
