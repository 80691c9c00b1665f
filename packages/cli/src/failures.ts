/** A failure with a next step. Everything the command line itself has to say ends up as one of these. */
export class Failure extends Error {
  /** What to do next; shown after the message. */
  readonly hint: string | undefined

  constructor(message: string, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'Failure'
    this.hint = hint
  }
}

/** The line that was typed makes no sense. */
export class UsageError extends Failure {}

/** There is no key for the host, or its server does not take it any more. */
export class NotLoggedIn extends Failure {}

/** Ctrl-C at a prompt. */
export class Interrupted extends Error {}

/** A command has said all it has to say, and ends with this status: a remote one's, for example. */
export class EndWith extends Error {
  readonly status: number

  constructor(status: number) {
    super(`ends with status ${status}`)
    this.status = status
  }
}
