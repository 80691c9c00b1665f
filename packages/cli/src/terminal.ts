import type { Readable, Writable } from 'node:stream'
import type { ReadStream, WriteStream } from 'node:tty'
import { ControllingTerminal } from './controlling-terminal.ts'
import { Failure } from './failures.ts'
import { printable, printableJson, printableLine } from './printable.ts'

export interface TerminalStreams {
  stdin: Readable & Partial<Pick<ReadStream, 'isTTY' | 'setRawMode'>>
  stdout: Writable & Partial<Pick<WriteStream, 'isTTY' | 'columns' | 'rows'>>
  stderr: Writable & Partial<Pick<WriteStream, 'isTTY'>>
}

const INPUT_BYTES_MAX = 1024 * 1024

/**
 * The only door to stdin, stdout, stderr, the controlling terminal and colour. Results go to
 * stdout, everything else to stderr; all text is made safe for a terminal on its way through.
 */
export class Terminal {
  readonly #streams: TerminalStreams
  #colour: boolean
  #asking = true
  #debugging: boolean
  #controlling: ControllingTerminal | undefined

  constructor(streams: TerminalStreams, options: { colour: boolean; debug?: boolean }) {
    this.#streams = streams
    this.#colour = options.colour && streams.stderr.isTTY === true
    this.#debugging = options.debug ?? false
    streams.stdout.on('error', (error) => {
      // A reader that has seen enough (`| head`) is no failure.
      if ('code' in error && error.code === 'EPIPE') process.exit(0)
      this.error(`the output cannot be written: ${error.message}`)
      process.exit(1)
    })
    // Nobody is left who could be told.
    streams.stderr.on('error', () => {})
  }

  /** What the line that was typed does not want. */
  restrict(to: { colour?: false; asking?: false }): void {
    this.#colour &&= to.colour ?? true
    this.#asking &&= to.asking ?? true
  }

  get debugging(): boolean {
    return this.#debugging
  }

  startDebugging(): void {
    this.#debugging = true
  }

  /** What only somebody who looks for a mistake wants to know; one line. */
  debug(text: string): void {
    if (this.#debugging) this.#streams.stderr.write(`DEBUG: ${printableLine(text)}\n`)
  }

  /** A result. */
  print(text: string): void {
    this.#streams.stdout.write(`${printable(text)}\n`)
  }

  /** A result for programs. */
  printJson(value: unknown): void {
    this.#streams.stdout.write(`${printableJson(value)}\n`)
  }

  /** One of many results for programs, each a line of JSON. Resolves at the reader's pace. */
  printJsonLine(value: unknown): Promise<void> {
    return this.writeBytes(Buffer.from(`${printableJson(value, 0)}\n`))
  }

  /** Anything that is not the result. */
  note(text: string): void {
    this.#streams.stderr.write(`${printable(text)}\n`)
  }

  warn(text: string): void {
    this.#streams.stderr.write(`WARNING: ${printable(text)}\n`)
  }

  error(text: string): void {
    const label = this.#colour ? '\u001b[31mERROR:\u001b[39m' : 'ERROR:'
    this.#streams.stderr.write(`${label} ${printable(text.trim())}\n`)
  }

  /** `Doing it... OK`, as Convox prints it; at a terminal with a dot for each second of waiting. */
  async progress<T>(label: string, work: () => Promise<T>): Promise<T> {
    const { stderr } = this.#streams
    stderr.write(`${printableLine(label)}... `)
    let dots = 0
    const dot = (): void => {
      dots += 1
      stderr.write('.')
    }
    const timer = stderr.isTTY === true ? setInterval(dot, 1000) : undefined
    const end = (word: string): void => {
      clearInterval(timer)
      stderr.write(`${dots === 0 ? '' : ' '}${word}\n`)
    }
    try {
      const result = await work()
      end('OK')
      return result
    } catch (error) {
      end('failed')
      throw error
    }
  }

  get stdoutIsTerminal(): boolean {
    return this.#streams.stdout.isTTY === true
  }

  get stdinIsTerminal(): boolean {
    return this.#streams.stdin.isTTY === true
  }

  /** Undefined unless stdout is a terminal. */
  get size(): { rows: number; columns: number } | undefined {
    const { isTTY, rows, columns } = this.#streams.stdout
    return isTTY === true && rows !== undefined && columns !== undefined
      ? { rows, columns }
      : undefined
  }

  /** All of stdin as text, for a secret that is piped in. */
  async readInput(): Promise<string> {
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of this.#streams.stdin) {
      length += chunk.length
      if (length > INPUT_BYTES_MAX) throw new Failure('there is far too much on stdin')
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString('utf8')
  }

  /**
   * Every key and every byte as it is, for a remote shell; the returned function gives the terminal
   * back. Node's raw mode still turns each line feed of the output into two characters, which moves
   * the cursor of full-screen programs to the wrong column, so that is turned off apart from it.
   */
  async rawMode(): Promise<() => void> {
    const { stdin } = this.#streams
    if (stdin.isTTY !== true || stdin.setRawMode === undefined) return () => {}
    stdin.setRawMode(true)
    const { spawnSync } = await import('node:child_process')
    spawnSync('/bin/stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'], env: {} })
    return () => stdin.setRawMode?.(false)
  }

  get input(): Readable {
    return this.#streams.stdin
  }

  /** Bytes of a remote program, untouched: a person who opens a shell there wants its escapes. */
  writeBytes(bytes: Uint8Array): Promise<void> {
    // A failure ends the process, see the constructor.
    return new Promise((resolve) => {
      this.#streams.stdout.write(bytes, (error) => {
        if (!error) resolve()
      })
    })
  }

  /** Whether anybody can be asked. */
  get canAsk(): boolean {
    return this.#person() !== undefined
  }

  /** Only a `y` or `yes` is one. */
  async confirm(question: string): Promise<boolean> {
    const answer = await this.askLine(`${question} [y/N] `)
    return /^y(es)?$/i.test(answer?.trim() ?? '')
  }

  /** A visible line; undefined where Ctrl-D ended it. */
  async askLine(question: string): Promise<string | undefined> {
    const person = this.#askable()
    person.write(printable(question))
    const answer = await person.line()
    if (answer === undefined) person.write('\n')
    return answer
  }

  /** A line typed or pasted without echo. */
  askSecret(prompt: string): Promise<string> {
    const person = this.#askable()
    return person.secretLine(prompt)
  }

  close(): void {
    this.#controlling?.close()
    this.#controlling = undefined
  }

  /** Waits until everything written has left the process, or has failed and said so. */
  async flush(): Promise<void> {
    for (const stream of [this.#streams.stdout, this.#streams.stderr]) {
      if (stream.writableLength > 0) await new Promise((resolve) => stream.write('', resolve))
    }
    // A failed write is reported in a later tick.
    await new Promise((resolve) => setImmediate(resolve))
  }

  #person(): ControllingTerminal | undefined {
    if (!this.#asking) return undefined
    this.#controlling ??= ControllingTerminal.open()
    return this.#controlling
  }

  #askable(): ControllingTerminal {
    const person = this.#person()
    if (person === undefined) throw new Failure('there is no terminal to ask at')
    return person
  }
}
