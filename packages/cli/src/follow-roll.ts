import type { KeyRoll } from '@keyrack/protocol/resources'
import type { Context } from './context.ts'
import { Failure } from './failures.ts'
import type { RackKeyConnection } from './rack-key.ts'
import { shortTime } from './short-time.ts'

const POLL_MS = 250

/** In the order in which a roll passes them; those that do something are shown. */
const STATES = [
  ...['staging', 'staged', 'verifying', 'verified', 'committing', 'committed'],
  ...['draining', 'retiring', 'retired', 'proving', 'done'],
]
const SHOWN = ['staging', 'verifying', 'committing', 'draining', 'retiring', 'proving']
const TAKEN_BACK = ['cancelling', 'cancelled', 'failed']

export async function readRoll(connection: RackKeyConnection): Promise<KeyRoll> {
  const { KeyRoll } = await import('@keyrack/protocol/resources')
  return connection.get(`${connection.path}/roll`, (value) => KeyRoll.parse(value))
}

/**
 * Shows each state as the roll passes it, until it has ended, or waits in a grace that was chosen.
 * The roll is the Console's: Ctrl-C ends the showing and nothing else.
 */
export async function followRoll(
  context: Context,
  connection: RackKeyConnection,
): Promise<KeyRoll> {
  const { terminal } = context
  const look = `convox rack key status ${connection.rack}`
  const left = (): void => terminal.note(`\nThe roll goes on. See how far it is: ${look}`)
  process.prependOnceListener('SIGINT', left)
  try {
    let roll = await readRoll(connection)
    let told: string | undefined
    const poll = async (passed: (state: KeyRoll) => boolean): Promise<void> => {
      while (!passed(roll) && !TAKEN_BACK.includes(roll.state)) {
        if (roll.error != null && roll.error !== told) {
          told = roll.error
          terminal.note(`\n${roll.error}; it is tried again`)
        }
        await new Promise((resolve) => setTimeout(resolve, POLL_MS))
        roll = await readRoll(connection)
      }
    }
    for (const state of SHOWN) {
      const index = STATES.indexOf(state)
      const passed = (now: KeyRoll) => STATES.indexOf(now.state) > index || isInGrace(now)
      const beyondGrace = index > STATES.indexOf('draining') && isInGrace(roll)
      if (beyondGrace || TAKEN_BACK.includes(roll.state)) break
      await terminal.progress(labelOf(state), async () => {
        await poll(passed)
        if (TAKEN_BACK.includes(roll.state)) throw takenBack(roll, look)
      })
    }
    if (roll.state === 'cancelling') {
      await terminal.progress('Cancelling', () => poll(({ state }) => state === 'done'))
    }
    if (roll.state === 'failed') throw takenBack(roll, look)
    return roll
  } finally {
    process.off('SIGINT', left)
  }
}

/** What to say at its end. */
export function endOfRoll(roll: KeyRoll): string {
  if (roll.state === 'done') return `The key of ${roll.rack} is rolled; the old one is refused`
  if (roll.state === 'cancelled') return `The roll is cancelled; ${roll.rack} keeps its key`
  const until = roll.grace_until == null ? '' : ` until ${timeOf(roll.grace_until)}`
  return `Both keys of ${roll.rack} work${until}; end the old one: convox rack key finish`
}

export function timeOf(at: number): string {
  return shortTime(new Date(at).toISOString())
}

function isInGrace(roll: KeyRoll): boolean {
  return roll.state === 'draining' && roll.grace_until != null && /^both keys/.test(roll.detail)
}

function labelOf(state: string): string {
  return `${state.charAt(0).toUpperCase()}${state.slice(1)}`
}

function takenBack(roll: KeyRoll, look: string): Failure {
  if (roll.state === 'failed') {
    return new Failure(`the roll failed: ${roll.error ?? roll.detail}`, `see: ${look}`)
  }
  return new Failure(
    roll.error == null ? 'the roll is being cancelled' : `the roll is taken back: ${roll.error}`,
    `see: ${look}`,
  )
}
