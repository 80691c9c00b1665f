import type { Duplex } from 'node:stream'
import { Failure } from './failures.ts'
import { printable } from './printable.ts'
import { refusedKey } from './refused-key.ts'
import type { Terminal } from './terminal.ts'

const LINE_LENGTH_MAX = 64 * 1024

/**
 * Prints a stream of lines to its end. A server that fails says so as the last line, `ERROR: ...`
 * (protocol.md 7.1), whether it has sent others before or not: that is our error then.
 */
export async function printLog(terminal: Terminal, stream: Duplex, host: string): Promise<void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    rest += decoder.decode(chunk, { stream: true })
    const { whole, last } = splitLines(rest)
    rest = last
    // At the reader's pace: a pager that nobody scrolls holds the server back.
    if (whole !== '') await terminal.writeBytes(Buffer.from(printable(whole)))
  }
  rest += decoder.decode()
  const failure = /^ERROR: (.*)$/s.exec(rest)?.[1]?.trim()
  if (failure === undefined) {
    if (rest !== '') terminal.print(rest.replace(/\n$/, ''))
  } else if (/^invalid authentication/i.test(failure)) throw refusedKey(failure, host)
  else throw new Failure(failure)
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
