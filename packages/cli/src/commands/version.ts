import type { DefineCommand } from '../command-table.ts'
import { ownVersion } from '../version.ts'

export const defineVersion: DefineCommand = (command, { terminal }) => {
  command.action(() => terminal.print(`convox ${ownVersion()}`))
}
