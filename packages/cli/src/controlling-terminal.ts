import { closeSync, openSync, writeSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { ReadStream } from 'node:tty'
import { Failure, Interrupted } from './failures.ts'
import { SecretLine } from './secret-line.ts'

/**
 * The terminal that the person sits at, wherever stdin and stdout point to: questions are asked
 * here, so that a pipe can neither answer them nor swallow them. Only terminal.ts opens it.
 */
export class ControllingTerminal {
  readonly #output: number
  readonly #input: ReadStream
  readonly #decoder = new StringDecoder('utf8')
  /** What was typed ahead of the next question. */
  #ahead = ''

  private constructor(input: ReadStream, output: number) {
    this.#input = input
    this.#output = output
  }

  /** Undefined where there is none: in a service, a cron job, most CI. */
  static open(path = '/dev/tty'): ControllingTerminal | undefined {
    let output: number | undefined
    try {
      output = openSync(path, 'w')
      return new ControllingTerminal(new ReadStream(openSync(path, 'r')), output)
    } catch {
      if (output !== undefined) closeSync(output)
      return undefined
    }
  }

  write(text: string): void {
    writeSync(this.#output, text)
  }

  /** One visible line, edited by the terminal itself; undefined at its end (Ctrl-D). */
  async line(): Promise<string | undefined> {
    let text = ''
    for (;;) {
      const input = await this.#read()
      if (input === undefined) return undefined
      text += input
      const end = text.indexOf('\n')
      if (end < 0) continue
      this.#ahead = text.slice(end + 1)
      return text.slice(0, end)
    }
  }

  /** One line without echo. Echo is off before the question appears: a paste can be that quick. */
  async secretLine(prompt: string): Promise<string> {
    const line = new SecretLine()
    this.#input.setRawMode(true)
    this.write(prompt)
    try {
      for (;;) {
        const input = await this.#read()
        const state = input === undefined ? 'end' : line.push(input)
        if (state === 'done') return line.text
        if (state === 'interrupted') throw new Interrupted('Ctrl-C at a prompt')
        if (state === 'end') throw new Failure('nothing was entered')
      }
    } finally {
      this.#input.setRawMode(false)
      this.write('\n')
    }
  }

  close(): void {
    this.#input.destroy()
    closeSync(this.#output)
  }

  #read(): Promise<string | undefined> {
    if (this.#ahead !== '') {
      const ahead = this.#ahead
      this.#ahead = ''
      return Promise.resolve(ahead)
    }
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#input.pause()
        this.#input.off('data', data)
        this.#input.off('end', end)
        this.#input.off('error', failed)
      }
      const data = (chunk: Buffer): void => {
        settle()
        resolve(this.#decoder.write(chunk))
      }
      const end = (): void => {
        settle()
        resolve(undefined)
      }
      const failed = (error: Error): void => {
        settle()
        reject(new Failure('the terminal went away', undefined, error))
      }
      this.#input.on('data', data)
      this.#input.on('end', end)
      this.#input.on('error', failed)
      this.#input.resume()
    })
  }
}
