import type { DefineCommand } from '../command-table.ts'
import { completedCommands } from '../completion/command-words.ts'
import { SCRIPTS, type Shell } from '../completion/scripts.ts'
import type { Context } from '../context.ts'
import { UsageError } from '../failures.ts'

export const defineCompletion: DefineCommand = (command, context) => {
  command
    .argument('<shell>', 'bash, zsh or fish')
    .addHelpText(
      'after',
      '\nPrints a script and installs nothing.\n\nExamples:\n  $ source <(convox completion bash)\n' +
        '  $ convox completion fish > ~/.config/fish/completions/convox.fish',
    )
    .action((shell: string) => completion(context, shell))
}

async function completion(context: Context, shell: string): Promise<void> {
  if (!isShell(shell)) {
    throw new UsageError(
      `there is no completion for "${shell.slice(0, 60)}"`,
      'there is one for bash, zsh and fish',
    )
  }
  context.terminal.print(SCRIPTS[shell](await completedCommands(context)))
}

function isShell(text: string): text is Shell {
  return Object.hasOwn(SCRIPTS, text)
}
