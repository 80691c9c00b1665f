import type { KeyrollStatus } from '@keyrack/protocol/resources'
import type { Generation } from '../instances/ssh-keys.ts'
import type { KeyrollInstanceRow, KeyrollRow } from './keyroll-records.ts'

/** The answer of `GET /instances/keyroll`. */
export function describeKeyroll(
  live: readonly Generation[],
  roll: KeyrollRow | undefined,
  instances: readonly KeyrollInstanceRow[],
): KeyrollStatus {
  const left = instances.filter(({ state }) => state !== 'done' && state !== 'gone')
  const current = live.find(({ state }) => state === 'current')?.generation ?? 0
  return {
    id: roll?.id ?? '',
    state: roll?.state ?? 'none',
    mode: roll?.mode ?? '',
    generation: roll?.generation ?? current,
    detail: roll?.state === 'unfinished' ? leftBehind(left) : '',
    'older-generations': live
      .map(({ generation }) => generation)
      .filter((generation) => generation < (roll?.generation ?? current))
      .reverse(),
    started: roll === undefined ? '' : new Date(roll.started_at).toISOString(),
    finished: roll?.finished_at ? new Date(roll.finished_at).toISOString() : '',
    instances: instances
      .filter(({ state }) => state !== 'gone')
      .map(({ id, state, problem }) => ({ id, state, problem: problem ?? '' })),
  }
}

const NAMED = 10

/** `not finished: i-3: it is down; i-4: …`, with the first ones by name. */
export function leftBehind(instances: readonly KeyrollInstanceRow[]): string {
  const left = instances.filter(({ state }) => state !== 'done' && state !== 'gone')
  const named = left
    .slice(0, NAMED)
    .map(({ id, problem }) => `${id}: ${problem ?? 'it has not been tried yet'}`)
  const more = left.length > NAMED ? [`and ${left.length - NAMED} more`] : []
  return `not finished: ${[...named, ...more].join('; ')}`
}
