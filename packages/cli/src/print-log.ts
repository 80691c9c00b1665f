import type { ClientStream } from '@keyrack/protocol/client'
import { inStreamFailure } from './in-stream-failure.ts'
import { LineCutter, parseLogLine } from './log-lines.ts'
import { printable } from './printable.ts'
import type { RefusedAt } from './refused-key.ts'
import type { Terminal } from './terminal.ts'

const LINE_LENGTH_MAX = 64 * 1024

export interface LogFormat {
  /** A line of JSON for each line: `{"at", "source", "message"}`. */
  json: boolean
}

/**
 * Prints a stream of lines to its end. A server that fails says so as the last line, `ERROR: ...`
 * (protocol.md 7.1), whether it has sent others before or not: that is our error then.
 */
export async function printLog(
  terminal: Terminal,
  stream: ClientStream,
  target: RefusedAt,
  format: LogFormat = { json: false },
): Promise<void> {
  const lines = new LineCutter(LINE_LENGTH_MAX)
  // At the reader's pace: a pager that nobody scrolls holds the server back.
  const show = async (text: string, ended: boolean): Promise<void> => {
    if (!format.json) return text === '' ? undefined : print(terminal, text, ended)
    const whole = [...lines.push(text), ...(ended ? lines.flush() : [])]
    for (const line of whole) await terminal.printJsonLine(parseLogLine(line))
  }
  const decoder = new TextDecoder()
  let rest = ''
  const end = async (): Promise<void> => {
    rest += decoder.decode()
    const failure = /^ERROR: (.*)$/s.exec(rest)?.[1]?.trim()
    await show(failure === undefined ? rest : '', true)
    if (failure !== undefined) throw inStreamFailure(failure, stream, target)
  }
  try {
    for await (const chunk of stream) {
      rest += decoder.decode(chunk, { stream: true })
      const { whole, last } = splitLines(rest)
      rest = last
      await show(whole, false)
    }
  } catch (error) {
    // What came before the connection broke was said, a reason above all.
    await end()
    throw error
  }
  await end()
}

function print(terminal: Terminal, text: string, ended: boolean): Promise<void> {
  const end = ended && !text.endsWith('\n') ? '\n' : ''
  return terminal.writeBytes(Buffer.from(`${printable(text)}${end}`))
}

/** What can be printed now, and what may turn out to be the last line and an error. */
function splitLines(text: string): { whole: string; last: string } {
  const lastStart = text.lastIndexOf('\n', text.length - 2) + 1
  const last = text.slice(lastStart)
  const mayFail = last.startsWith('ERROR: '.slice(0, last.length))
  if (last.length > LINE_LENGTH_MAX) return { whole: text, last: '' }
  if (mayFail) return { whole: text.slice(0, lastStart), last }
  return last.endsWith('\n') ? { whole: text, last: '' } : { whole: text.slice(0, lastStart), last }
}
