import { Failure } from './failures.ts'

/** There is no such instance; Racks, official ones too, say it without what to do next. */
export class UnknownInstance extends Failure {
  readonly code = 'not-found'

  constructor(text: string, cause?: unknown) {
    super(text, 'see which there are: convox instances', cause)
  }

  static isSaidBy(text: string): boolean {
    return /^instance not found\b/i.test(text)
  }
}
