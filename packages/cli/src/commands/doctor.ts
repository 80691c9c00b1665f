import type { DefineCommand } from '../command-table.ts'
import type { Context, GlobalOptions } from '../context.ts'
import { examine } from '../doctor/examine.ts'
import { EndWith } from '../failures.ts'

interface DoctorOptions extends GlobalOptions {
  json?: true
}

export const defineDoctor: DefineCommand = (command, context) => {
  command
    .option('--json', 'print the checks as JSON: check, status, detail, next')
    .addHelpText(
      'after',
      '\nEnds with 1 if a check failed. What depends on a failed check is skipped.\n' +
        '\nExamples:\n  $ convox doctor\n  $ convox doctor --host localhost:3443',
    )
    .action((options: DoctorOptions) => doctor(context, options))
}

async function doctor(context: Context, options: DoctorOptions): Promise<void> {
  const { terminal } = context
  const results = await examine(context, options)
  if (options.json) {
    terminal.printJson(results)
  } else {
    for (const { status, check, detail, next } of results) {
      const line = `${status.padEnd(7)}  ${check}: ${detail.replaceAll(/\s*\n\s*/g, ' ')}`
      terminal.print(next === undefined ? line : `${line}; ${next}`)
    }
  }
  if (results.some(({ status }) => status === 'failed')) throw new EndWith(1)
}
