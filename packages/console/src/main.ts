import { errorText, KeyrackError } from '@keyrack/protocol'
import { HOST_COMMANDS } from './host-commands/host-commands.ts'

// What was typed: nothing starts the server, a word is a command for the host it runs on.

const [name, ...args] = process.argv.slice(2)
if (name === undefined) await (await import('./serve.ts')).serve()
else process.exitCode = await runHostCommand(name, args)

async function runHostCommand(typed: string, args: readonly string[]): Promise<number> {
  const word = /^(-h|--help)$/.test(typed) ? 'help' : typed
  const command = Object.hasOwn(HOST_COMMANDS, word) ? HOST_COMMANDS[word] : undefined
  if (command === undefined) {
    process.stderr.write(
      `ERROR: there is no command ${JSON.stringify(typed)}; see: keyrack-console help\n`,
    )
    return 2
  }
  try {
    return await (await command.load())(args)
  } catch (error) {
    if (!(error instanceof KeyrackError)) throw error
    process.stderr.write(`ERROR: ${errorText(error)}\n`)
    return 1
  }
}
