import { spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
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

/** Asked twice at the terminal, without echo. */
export async function askPassword(): Promise<Secret> {
  if (process.stdin.isTTY !== true) {
    throw new KeyrackError('invalid', 'there is no terminal to ask for the new password', {
      hint: 'pipe it in: keyrack-console reset-password EMAIL --password-stdin',
    })
  }
  const [first, second] = await askLines(['New password: ', 'Once more: '])
  if (first === second && first !== undefined) return Secret.of(first)
  throw new KeyrackError('invalid', 'the two passwords are not the same', {
    hint: 'nothing was changed; try again',
  })
}

async function askLines(prompts: readonly string[]): Promise<string[]> {
  // The system's own line editing, with its echo off: nothing that was typed is ever written.
  echo(false)
  const interrupted = (): void => {
    echo(true)
    process.stderr.write('\n')
    process.exit(130)
  }
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
  const reader = createInterface({ input: process.stdin, terminal: false })
  const lines = reader[Symbol.asyncIterator]()
  try {
    const answers: string[] = []
    for (const prompt of prompts) {
      process.stderr.write(prompt)
      const { value, done } = await lines.next()
      process.stderr.write('\n')
      if (done === true) break
      answers.push(value)
    }
    return answers
  } finally {
    reader.close()
    echo(true)
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
  }
}

function echo(on: boolean): void {
  const { status } = spawnSync('/bin/stty', [on ? 'echo' : '-echo'], {
    stdio: ['inherit', 'ignore', 'ignore'],
    env: {},
  })
  if (status === 0 || on) return
  throw new KeyrackError('not-ready', 'the terminal would show what is typed', {
    hint: 'pipe the password in: keyrack-console reset-password EMAIL --password-stdin',
  })
}
