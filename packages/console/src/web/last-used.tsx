import type { LastUse } from '../key-uses/last-uses.ts'
import { Time } from './time.tsx'

/** When, from where and by what a key was used last. */
export function LastUsed({ use }: { use: LastUse | null }) {
  if (use === null) return <>never used</>
  return (
    <>
      <Time at={use.at} />
      <span class="line muted">
        from {use.address}
        {use.client === '' ? '' : ` by ${use.client}`}
      </span>
    </>
  )
}
