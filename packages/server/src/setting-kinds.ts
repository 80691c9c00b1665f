import { isAbsolute, resolve } from 'node:path'
import { Secret } from '@keyrack/secrets'

/** What a bad value should have been: 'a port between 0 and 65535'. */
export class SettingProblem extends Error {}

/** One setting: how its text becomes a value, and what it is when nobody set it. */
export interface Setting<T> {
  parse(text: string): T
  /** Made only when the setting is not set. */
  fallback(): T
  /** The value is never repeated in an error text or in a report. */
  secret: boolean
  required: boolean
}

function setting<T>(parse: (text: string) => T, fallback: T, secret = false): Setting<T> {
  return { parse, fallback: () => fallback, secret, required: false }
}

/** Makes a setting one that must be set. */
export function required<T>(inner: Setting<T>): Setting<NonNullable<T>> {
  return {
    parse: (value) => {
      const parsed = inner.parse(value)
      if (parsed === undefined || parsed === null) throw new SettingProblem('set')
      return parsed
    },
    fallback: () => {
      throw new TypeError('a required setting has no fallback')
    },
    secret: inner.secret,
    required: true,
  }
}

export function text(): Setting<string | undefined>
export function text(fallback: string): Setting<string>
export function text(fallback?: string): Setting<string | undefined> {
  return setting((value) => value, fallback)
}

/** A text that only ever exists as a `Secret`; there is no default for one. */
export function secretText(): Setting<Secret | undefined> {
  return setting<Secret | undefined>((value) => Secret.of(value), undefined, true)
}

/** 0 means: any free port. */
export function port(): Setting<number | undefined>
export function port(fallback: number): Setting<number>
export function port(fallback?: number): Setting<number | undefined> {
  return setting<number | undefined>(
    (value) => whole(value, 0, 65_535, 'a port between 0 and 65535'),
    fallback,
  )
}

export function wholeNumber(range: {
  min: number
  max: number
  fallback: number
}): Setting<number> {
  const { min, max, fallback } = range
  return setting(
    (value) => whole(value, min, max, `a whole number between ${min} and ${max}`),
    fallback,
  )
}

function whole(value: string, min: number, max: number, expected: string): number {
  // Digits only: Number() also takes '0x10', '1e3' and ' 7 ', which nobody means.
  const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN
  if (!(number >= min && number <= max)) throw new SettingProblem(expected)
  return number
}

/** A folder; a relative one starts where the server was started. It need not exist yet. */
export function folder(): Setting<string | undefined>
export function folder(fallback: string): Setting<string>
export function folder(fallback?: string): Setting<string | undefined> {
  return setting<string | undefined>(
    (value) => (isAbsolute(value) ? value : resolve(value)),
    fallback === undefined ? undefined : resolve(fallback),
  )
}

/** Values separated by commas or spaces; empty ones do not count. */
export function list(fallback: readonly string[] = []): Setting<readonly string[]> {
  return setting<readonly string[]>(
    (value) => value.split(/[\s,]+/).filter((item) => item !== ''),
    fallback,
  )
}

const YES = new Set(['1', 'true', 'yes', 'on'])
const NO = new Set(['0', 'false', 'no', 'off'])

export function flag(fallback = false): Setting<boolean> {
  return setting((value) => {
    const word = value.toLowerCase()
    if (YES.has(word)) return true
    if (NO.has(word)) return false
    throw new SettingProblem('true or false')
  }, fallback)
}

export function oneOf<const T extends string>(values: readonly T[]): Setting<T | undefined>
export function oneOf<const T extends string>(values: readonly T[], fallback: T): Setting<T>
export function oneOf<const T extends string>(
  values: readonly T[],
  fallback?: T,
): Setting<T | undefined> {
  return setting<T | undefined>((value) => {
    const found = values.find((known) => known === value)
    if (found === undefined) throw new SettingProblem(`one of ${values.join(', ')}`)
    return found
  }, fallback)
}

const UNITS: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** A number with its unit ('30s', '15m', '24h', '7d', '250ms'); the value is in milliseconds. */
export function duration(): Setting<number | undefined>
export function duration(fallbackMs: number): Setting<number>
export function duration(fallbackMs?: number): Setting<number | undefined> {
  return setting<number | undefined>((value) => {
    const [, digits, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(value) ?? []
    const factor = unit === undefined ? undefined : UNITS[unit]
    if (digits === undefined || factor === undefined) {
      throw new SettingProblem('a number and a unit, such as 30s, 15m, 24h or 7d')
    }
    return Number(digits) * factor
  }, fallbackMs)
}
