import { Readable, Writable } from 'node:stream'
import type { Environment } from './config.ts'
import { groupedNames, helpTopic, rootHelp, topicNames } from './help.ts'
import { runProgram } from './program.ts'
import { Terminal } from './terminal.ts'

/** `docs/reference.md`: every page of the help, as `convox help` prints it. */
export async function reference(environment: Environment): Promise<string> {
  const parts = [
    '# Reference of `convox`',
    'Written by `npm run reference` from the help of the commands; change it there.',
    page('convox help', rootHelp('')),
  ]
  for (const name of groupedNames()) {
    const text = await printed(['help', ...name.split(' ')], environment)
    parts.push(`## convox ${name}`, page(`convox help ${name}`, text))
  }
  for (const topic of topicNames()) {
    parts.push(`## ${topic}`, page(`convox help ${topic}`, helpTopic(topic) ?? ''))
  }
  return `${parts.join('\n\n')}\n`
}

function page(line: string, text: string): string {
  return ['```text', `$ ${line}`, text.trimEnd(), '```'].join('\n')
}

async function printed(argv: string[], environment: Environment): Promise<string> {
  let text = ''
  const stdout = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk)
      done()
    },
  })
  const streams = { stdin: Readable.from([]), stdout, stderr: stdout }
  await runProgram(argv, new Terminal(streams, environment), environment)
  return text
}
