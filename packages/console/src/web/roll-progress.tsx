import type { Child } from 'hono/jsx'
import type { RackEntry } from '../directory.ts'
import { rollView } from '../http/roll-view.ts'
import { displayName } from '../proxy/find-rack.ts'
import type { KeyUse } from '../rack-rolls/key-uses.ts'
import type { KeyReport } from '../rack-rolls/rack-rolls.ts'
import {
  hasEnded,
  isCancellable,
  isInGrace,
  ROLL_STATES,
  type Roll,
  type RollState,
} from '../rack-rolls/roll.ts'
import { Copyable } from './copyable.tsx'
import { sentence } from './form-failure.ts'
import { settingsPath } from './rack-path.ts'
import { SeenRoll } from './seen-roll.tsx'
import { Time } from './time.tsx'

/**
 * The part of the page that a roll changes. While one is under way the element of this name (see
 * static/roll-progress.js) asks the JSON API, and takes this part of the page anew when the answer
 * is another than the one that the page was made from.
 */
export function RollProgress({ report, children }: { report: KeyReport; children: Child }) {
  const { rack, roll, uses } = report
  if (roll === undefined) return <roll-progress>{children}</roll-progress>
  const { organization, name } = rack
  const { state, detail, error } = rollView(roll, displayName(rack), uses)
  const source = `/api/racks/${organization.name}/${name}/key/roll`
  return (
    <roll-progress
      tabindex="-1"
      data-page={settingsPath(rack)}
      data-source={hasEnded(roll) ? undefined : source}
      data-seen={JSON.stringify([state, detail, error, uses])}
      data-says={`${state}: ${shortTimes(detail)}`}
    >
      {children}
    </roll-progress>
  )
}

/** Times within the domain's texts, to the minute like all others of the page. */
function shortTimes(text: string): string {
  return text.replaceAll(/(\d{4}-\d\d-\d\d)T(\d\d:\d\d):[\d.]+Z/g, '$1 $2 UTC')
}

/** A roll that is under way: how far it is, and what can be done about it. */
export function OpenRoll({ report, roll }: { report: KeyReport; roll: Roll }) {
  const { rack, uses } = report
  const { detail } = rollView(roll, displayName(rack), uses)
  const path = settingsPath(rack)
  return (
    <>
      <h3>{roll.state === 'cancelling' ? 'The roll is being cancelled' : 'A roll is under way'}</h3>
      <p>
        Asked for by {roll.started_by_name} on <Time at={roll.started_at} />.{' '}
        <strong>{sentence(shortTimes(detail))}</strong>
      </p>
      {roll.state === 'cancelling' ? null : <Steps state={roll.state} />}
      <Trouble roll={roll} />
      {isInGrace(roll) ? <OldKeyUses uses={uses} /> : null}
      <p>
        <a class="button" href={path} data-reload>
          Look again
        </a>
      </p>
      {isInGrace(roll) ? <FinishForm {...{ path, uses, rack, roll }} /> : null}
      {isCancellable(roll) && roll.method === 'two-keys' ? (
        <form class="choices" method="post" action={`${path}/cancel`}>
          <SeenRoll roll={roll} />
          <button type="submit" id="cancel-roll">
            Cancel
          </button>
        </form>
      ) : null}
    </>
  )
}

/** In the order in which they come; the words between acts and facts are for the audit log. */
const STATES = (Object.keys(ROLL_STATES) as RollState[]).filter(
  (state) => !['cancelling', 'cancelled', 'failed'].includes(state),
)
const STEPS = STATES.filter((state) => ROLL_STATES[state].kind !== 'fact')

function Steps({ state }: { state: RollState }) {
  const at = STATES.indexOf(state)
  return (
    <ol class="steps">
      {STEPS.map((step) => {
        const place = STATES.indexOf(step)
        const when = place < at ? 'past' : place === at ? 'now' : 'later'
        return (
          <li class={when} aria-current={when === 'now' ? 'step' : undefined}>
            <span>
              <strong>{step}</strong> <span class="muted">{ROLL_STATES[step].detail}</span>
            </span>
            <span class="when">{WHEN[when]}</span>
          </li>
        )
      })}
    </ol>
  )
}

const WHEN = { past: 'done', now: 'now', later: 'to come' } as const

function Trouble({ roll }: { roll: Roll }) {
  const { error, failure } = roll
  if (error === null && failure === null) return null
  return (
    <div class="alert">
      <p>
        {failure === null
          ? `The last try failed and is made again by itself: ${sentence(shortTimes(error ?? ''))}`
          : sentence(failure)}
      </p>
      <p>{keyThatHolds(roll)}</p>
    </div>
  )
}

function keyThatHolds(roll: Roll): string {
  if (roll.method !== 'two-keys') {
    return 'The Console goes on with the key that the Rack takes; no key is lost.'
  }
  return isCancellable(roll) || roll.state === 'cancelling'
    ? 'Meanwhile the old key works as before.'
    : 'Meanwhile the new key works, and the Console uses it.'
}

function OldKeyUses({ uses }: { uses: readonly KeyUse[] }) {
  if (uses.length === 0) return <p>Nobody has used the old key since its grace began.</p>
  return (
    <>
      <h3>Who still uses the old key</h3>
      <ul class="uses">
        {uses.map(({ address, client, last_at: at, count }) => (
          <li>
            <code>{address}</code> {client === '' ? 'an unnamed client' : client}
            <span class="line muted">
              {count === 1 ? 'once' : `${count} times`}, last <Time at={at} />
            </span>
          </li>
        ))}
      </ul>
      <p>They have a copy of the old key. Have them use this Console instead.</p>
    </>
  )
}

function FinishForm(props: { path: string; uses: readonly KeyUse[]; rack: RackEntry; roll: Roll }) {
  const { path, uses, rack, roll } = props
  return (
    <form method="post" action={`${path}/finish`}>
      <SeenRoll roll={roll} />
      {uses.length === 0 ? null : (
        <label class="tick" for="force">
          <input id="force" type="checkbox" name="force" value="on" />
          <span>End the old key although it is still used. These clients are refused then.</span>
        </label>
      )}
      <div class="choices">
        <button class="danger" type="submit" id="finish-roll">
          Finish now
        </button>
      </div>
      <p class="note">The same from your terminal:</p>
      <Copyable
        id="finish-line"
        label="command to finish"
        text={`convox rack key finish ${displayName(rack)}`}
        command
      />
    </form>
  )
}

/** How the last roll ended, unless it was done: that is among the facts. */
export function RollOutcome({ rack, roll }: { rack: RackEntry; roll: Roll }) {
  if (roll.state === 'done') return null
  const kept = rack.keyVersion < roll.new_version
  return (
    <div class={roll.state === 'failed' ? 'alert' : 'alert calm'} id="roll-outcome">
      <p>
        <strong>
          {roll.state === 'failed' ? 'The last roll failed.' : 'The last roll was cancelled.'}
        </strong>{' '}
        {roll.failure === null ? '' : sentence(roll.failure)}
      </p>
      <p>
        {kept
          ? 'The old key stays in force and the Console goes on with it; the new one was destroyed.'
          : 'The key was replaced by other means; the Console goes on with that one.'}
      </p>
    </div>
  )
}
