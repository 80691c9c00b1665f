import { HOST_COMMANDS } from './host-commands.ts'

export async function helpCommand(): Promise<number> {
  const lines = Object.entries(HOST_COMMANDS).map(([name, { usage, summary }]) => {
    return `  ${`${name} ${usage}`.padEnd(42)}${summary}`
  })
  process.stdout.write(`keyrack-console: the Console's server

  $ keyrack-console                         start it
  $ keyrack-console doctor                  look at what is wrong

Commands, run with the settings of the server (DATA_DIR above all), as the same user:
${lines.join('\n')}

Settings are listed in the README.
`)
  return 0
}
