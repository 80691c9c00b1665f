import type { KeyReport } from '../rack-rolls/rack-rolls.ts'
import { Time } from './time.tsx'

/** What is known of a Rack's key; the key itself is shown to nobody. */
export function KeyFacts({ report: { lastDone, generation } }: { report: KeyReport }) {
  return (
    <dl>
      <div>
        <dt>Last rolled</dt>
        <dd>
          {lastDone === undefined ? (
            <span class="muted">not by this Console</span>
          ) : (
            <>
              <Time at={lastDone.updated_at} />
              <span class="line muted">The new key works; the old key is refused.</span>
            </>
          )}
        </dd>
      </div>
      {lastDone === undefined ? null : (
        <div>
          <dt>By</dt>
          <dd>{lastDone.started_by_name}</dd>
        </div>
      )}
      {generation === undefined ? null : (
        <div>
          <dt>Generation</dt>
          <dd>
            {generation} <span class="muted">· keys that this Rack has had</span>
          </dd>
        </div>
      )}
    </dl>
  )
}
