import type { Logger as PinoLogger } from 'pino'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
export type Logger = PinoLogger

export interface LoggerOptions {
  name: string
  level?: LogLevel
  /** Default: standard output. */
  destination?: { write(line: string): void }
  /** Short lines for a person; default: when standard output is a terminal. */
  human?: boolean
}

export function createLogger(_options: LoggerOptions): Logger {
  throw new Error('not written yet')
}
