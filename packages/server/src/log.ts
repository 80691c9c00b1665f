import pino, { type Bindings, type ChildLoggerOptions, type Logger as PinoLogger } from 'pino'
import { censor } from './log-censor.ts'
import { humanLine } from './log-line.ts'
import { standardOutput } from './standard-output.ts'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
export type Logger = PinoLogger

export interface LogDestination {
  write(line: string): void
}

export interface LoggerOptions {
  name: string
  level?: LogLevel
  /** Default: standard output. */
  destination?: LogDestination
  /** Short lines for a person; default: when standard output is a terminal. */
  human?: boolean
}

/**
 * The logger of a server: one JSON object a line. Whatever is handed to it goes through `censor`,
 * and so do the fields of a child logger. Errors belong in `err`: `log.error({ err: error }, '...')`.
 */
export function createLogger(options: LoggerOptions): Logger {
  const { name, level = 'info', destination } = options
  const human = options.human ?? (destination === undefined && process.stdout.isTTY === true)
  const target = destination ?? standardOutput()
  const lines = human ? { write: (line: string) => target.write(humanLine(line)) } : target

  const logger = pino(
    {
      level,
      base: { name, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // pino's own serializer for errors would print every enumerable field of every cause.
      serializers: { err: (value: unknown) => value },
      hooks: {
        logMethod(args, method) {
          method.apply(this, censorArguments(args) as Parameters<typeof method>)
        },
      },
    },
    lines,
  )
  censorChildren(logger)
  return logger
}

/** Children inherit from the first logger, so the fields of all of them come through here. */
function censorChildren(logger: Logger): void {
  const child = logger.child
  Object.defineProperty(logger, 'child', {
    value(this: Logger, bindings: Bindings, options?: ChildLoggerOptions) {
      return Reflect.apply(child, this, [censor(bindings) as Bindings, options])
    },
  })
}

function censorArguments(args: readonly unknown[]): unknown[] {
  const [first, ...rest] = args
  if (first instanceof Error) {
    const message = rest.length > 0 ? rest : [first.message]
    return [{ err: censor(first) }, ...message.map(censor)]
  }
  return args.map(censor)
}
