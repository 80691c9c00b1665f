import type { Roll } from '../rack-rolls/roll.ts'

/** The last roll that a page knew of, as its forms say it. */
export function seenRoll(roll: Roll | undefined): string {
  return roll?.id ?? 'none'
}

/** Goes with every form about a roll: see refuseStale in rack-pages.tsx. */
export function SeenRoll({ roll }: { roll: Roll | undefined }) {
  return <input type="hidden" name="seen" value={seenRoll(roll)} />
}
