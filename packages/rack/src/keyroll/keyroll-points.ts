/**
 * The moments of a keyroll between which something is written or somebody else is asked. What is
 * given as `point` is called at each; tests end the process there, and the program itself gives
 * nothing. The list is what the test of interruptions goes through.
 */
export const KEYROLL_POINTS = [
  'before the seal',
  'sealed',
  'before an instance',
  'before the line is added',
  'line added',
  'new key proven',
  'new key recorded',
  'before the old line is removed',
  'old line removed',
  'old key refused',
  'instance recorded',
  'before the commit',
  'committed',
  'before a key is destroyed',
  'key destroyed',
  'finished',
] as const

export const REPLACE_POINTS = [
  'before an instance is replaced',
  'instance terminated',
  'replacement runs',
] as const

export type KeyrollPoint = (typeof KEYROLL_POINTS)[number] | (typeof REPLACE_POINTS)[number]

export type Point = (name: KeyrollPoint) => Promise<void> | void
