import { EndWith, Failure, Interrupted, NotLoggedIn, UsageError } from './failures.ts'

export interface Ending {
  status: number
  /** For the last line of stderr; undefined when everything has been said. */
  text?: string
}

/** The one place that knows what an error means for the shell: `convox help exit-codes`. */
export function exitStatus(error: unknown): Ending {
  if (error instanceof EndWith) return { status: error.status }
  if (error instanceof Interrupted) return { status: 130 }
  if (error instanceof UsageError) return { status: 2, text: textOf(error) }
  if (error instanceof NotLoggedIn) return { status: 4, text: textOf(error) }
  if (error instanceof Failure) return { status: 1, text: textOf(error) }
  // By name: importing the class would load its package on every start.
  if (isNamed(error, 'KeyrackError')) return { status: 1, text: textOf(error) }
  const said = error instanceof Error ? error.message : String(error)
  return { status: 1, text: `this is a mistake in convox: ${said}; please report it` }
}

function isNamed(error: unknown, name: string): error is Error {
  return error instanceof Error && error.name === name
}

function textOf(error: Error): string {
  const hint = 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined
  // Much of what is wrong with a line can be the line itself; a server's text is bounded elsewhere.
  const message = shortened(error.message, error instanceof UsageError ? 400 : 2_500)
  return hint === undefined ? message : `${message}; ${shortened(hint, 400)}`
}

/** Without the middle of what is longer than any text of ours. */
function shortened(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text
  const end = Math.floor(lengthMax / 4)
  return `${text.slice(0, lengthMax - end)} … ${text.slice(-end)}`
}
