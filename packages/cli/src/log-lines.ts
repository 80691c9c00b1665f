/** One line of a log as programs read it. */
export interface LogEntry {
  /** RFC 3339; null where the Rack did not say it. */
  at: string | null
  /** `system/instance/i-1`, `service/web/1a2b`; null where the Rack did not say it. */
  source: string | null
  message: string
}

/**
 * The line `TIME SOURCE MESSAGE` that Racks send, ours and official ones (protocol.md 7.3). What
 * looks different, a second line of a message for example, is a message without the rest.
 */
export function parseLogLine(line: string): LogEntry {
  const [, at, source, message = ''] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) ([^\s/]+\/\S+)(?: (.*))?$/s.exec(
      line,
    ) ?? []
  if (at === undefined || source === undefined) return { at: null, source: null, message: line }
  return { at, source, message }
}

/** Cuts text into whole lines as it arrives. A line without an end is given out in parts. */
export class LineCutter {
  readonly #lengthMax: number
  #rest = ''

  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax
  }

  /** The lines that are whole now, without their ends. */
  push(text: string): string[] {
    const lines = `${this.#rest}${text}`.split('\n')
    this.#rest = lines.pop() ?? ''
    while (this.#rest.length > this.#lengthMax) {
      lines.push(this.#rest.slice(0, this.#lengthMax))
      this.#rest = this.#rest.slice(this.#lengthMax)
    }
    return lines.map((line) => line.replace(/\r$/, ''))
  }

  /** What was left without an end. */
  flush(): string[] {
    const rest = this.#rest
    this.#rest = ''
    return rest === '' ? [] : [rest]
  }
}
