import type { RackEntry } from '../directory.ts'
import { displayName } from '../proxy/find-rack.ts'
import type { Roll, RollMethod } from '../rack-rolls/roll.ts'
import { Choice } from './choice.tsx'
import { Copyable } from './copyable.tsx'
import type { FormFailure } from './form-failure.ts'
import { settingsPath } from './rack-path.ts'
import { SeenRoll } from './seen-roll.tsx'

export const ROLL_FIELDS = ['grace_seconds', 'consent'] as const

/** In seconds. */
const GRACES = [
  ['0', 'none: it ends at once'],
  ['900', '15 minutes'],
  ['3600', '1 hour'],
  ['21600', '6 hours'],
  ['86400', '24 hours'],
] as const

interface RollFormProps {
  rack: RackEntry
  /** The last one. */
  roll: Roll | undefined
  method: RollMethod
  values: ReadonlyMap<string, string> | undefined
  failure: FormFailure | undefined
}

/** What a roll does and may break, before anything is asked for. */
export function RollForm({ rack, roll, method, values, failure }: RollFormProps) {
  const problem = (field: string) => (failure?.field === field ? failure.text : undefined)
  const ours = method === 'two-keys'
  return (
    <form class="roll" method="post" action={`${settingsPath(rack)}/roll`} novalidate>
      <SeenRoll roll={roll} />
      <h3>Roll the key</h3>
      {ours ? <BreaksNothing /> : <Breaks />}
      {ours ? (
        <Choice
          label="Grace of the old key"
          name="grace_seconds"
          options={GRACES}
          chosen={values?.get('grace_seconds') ?? '0'}
          hint="How long it works beside the new one. You can end it early."
          error={problem('grace_seconds')}
        />
      ) : (
        <input type="hidden" name="grace_seconds" value="0" />
      )}
      {!ours && problem('grace_seconds') !== undefined ? (
        <p class="error">{problem('grace_seconds')}</p>
      ) : null}
      <Consent ours={ours} error={problem('consent')} />
      <button class="primary" type="submit" id="roll-key">
        Roll API Key
      </button>
      <p class="note">The same from your terminal:</p>
      <Copyable
        id="roll-line"
        label="command to roll"
        text={`convox rack key roll ${displayName(rack)}`}
        command
      />
      {ours ? (
        <p class="note">
          With a grace: <code>--grace 15m</code>, <code>1h</code>, <code>6h</code> or{' '}
          <code>24h</code>.
        </p>
      ) : null}
    </form>
  )
}

function BreaksNothing() {
  return (
    <>
      <p>
        The Console makes a new key, has the Rack accept it, uses it for every new request, and ends
        the old one. Whoever works through this Console notices nothing and has nothing to do.
      </p>
      <p>
        Copies of the old key that are elsewhere stop working, such as the one that{' '}
        <code>convox install</code> left in <code>~/.convox/auth</code>. A grace is for those.
      </p>
    </>
  )
}

function Breaks() {
  return (
    <>
      <p>
        This is an official Rack: it takes one key at a time, so there is no grace. What this
        breaks:
      </p>
      <ul>
        <li>
          The Rack may be unavailable for some minutes: while its web tasks restart, each of the two
          keys is refused by some of them. Commands can fail then and have to be repeated.
        </li>
        <li>Copies of the old key that are elsewhere stop working within the roll.</li>
        <li>It cannot be cancelled once it has begun.</li>
      </ul>
    </>
  )
}

function Consent({ ours, error }: { ours: boolean; error: string | undefined }) {
  return (
    <div class="field">
      <label class="tick" for="consent">
        <input
          id="consent"
          type="checkbox"
          name="consent"
          value="yes"
          required
          aria-describedby={error === undefined ? undefined : 'consent-error'}
          aria-invalid={error === undefined ? undefined : 'true'}
          autofocus={error !== undefined}
        />
        <span>
          {ours
            ? 'I know that whoever uses a copy of the old key is refused when it ends.'
            : 'I know that commands to this Rack can fail meanwhile, and that copies of the old key stop working.'}
        </span>
      </label>
      {error === undefined ? null : (
        <p class="error" id="consent-error">
          {error}
        </p>
      )}
    </div>
  )
}
