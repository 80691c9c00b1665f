import { createLogger, type Logger } from '@keyrack/server'

/** A real logger whose lines can be looked at. */
export function collectLog(): { log: Logger; lines: string[] } {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  return { log: createLogger({ name: 'rack', level: 'debug', destination, human: false }), lines }
}
