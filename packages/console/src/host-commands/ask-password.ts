import { spawnSync } from 'node:child_process'
import { openSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { ReadStream } from 'node:tty'
import { KeyrackError } from '@keyrack/protocol'
import { Secret } from '@keyrack/secrets'

/** More than any password may have, in bytes. */
const INPUT_MAX = 16_384

/** One line of a pipe. */
export async function readPassword(): Promise<Secret> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of process.stdin) {
    size += chunk.length
    if (size > INPUT_MAX) throw new KeyrackError('invalid', 'there is far too much on stdin')
    chunks.push(chunk)
  }
  const text = Buffer.concat(chunks).toString('utf8')
  return Secret.of(text.replace(/\r?\n$/, ''))
}

/** Asked twice at the controlling terminal, without echo, wherever input and output go. */
export async function askPassword(): Promise<Secret> {
  const [first, second] = await askLines(['New password: ', 'Once more: '])
  if (first !== undefined && first === second) return Secret.of(first)
  throw new KeyrackError('invalid', 'the two passwords are not the same', {
    hint: 'nothing was changed; try again',
  })
}

const PIPE_INSTEAD = 'pipe it in: keyrack-console reset-password EMAIL --password-stdin'

async function askLines(prompts: readonly string[]): Promise<string[]> {
  const descriptor = openTerminal()
  // The system's own line editing, with its echo off: nothing that was typed is ever written.
  echo(descriptor, false)
  const interrupted = (): void => {
    echo(descriptor, true)
    writeSync(descriptor, '\n')
    process.exit(130)
  }
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
  const input = new ReadStream(descriptor)
  const reader = createInterface({ input, terminal: false })
  const lines = reader[Symbol.asyncIterator]()
  try {
    const answers: string[] = []
    for (const prompt of prompts) {
      writeSync(descriptor, prompt)
      const { value, done } = await lines.next()
      writeSync(descriptor, '\n')
      if (done === true) break
      answers.push(value)
    }
    return answers
  } finally {
    echo(descriptor, true)
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
    reader.close()
    input.destroy()
  }
}

function openTerminal(): number {
  try {
    return openSync('/dev/tty', 'r+')
  } catch (cause) {
    throw new KeyrackError('invalid', 'there is no terminal to ask for the new password', {
      hint: PIPE_INSTEAD,
      cause,
    })
  }
}

function echo(terminal: number, on: boolean): void {
  const { status } = spawnSync('/bin/stty', [on ? 'echo' : '-echo'], {
    stdio: [terminal, 'ignore', 'ignore'],
    env: {},
  })
  if (status === 0 || on) return
  throw new KeyrackError('not-ready', 'the terminal would show what is typed', {
    hint: PIPE_INSTEAD,
  })
}
