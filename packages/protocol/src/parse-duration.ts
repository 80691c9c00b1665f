const UNIT_MS = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const
const DURATION = /^(?:\d{1,9}(?:\.\d{1,9})?(?:ns|us|µs|ms|s|m|h))+$/
const PART = /(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g

/**
 * Milliseconds of a duration in the form of Go (`1h30m0s`, protocol.md 6.1), or undefined when it is
 * none. `0` needs no unit there; less than nothing is not accepted.
 */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0
  if (text.length > 100 || !DURATION.test(text)) return undefined
  let milliseconds = 0
  for (const [, number, unit] of text.matchAll(PART)) {
    milliseconds += Number(number) * UNIT_MS[unit as keyof typeof UNIT_MS]
  }
  return milliseconds
}
