import type { Environment } from './config.ts'
import { ConfigFolder } from './config-folder/config-folder.ts'
import type { Terminal } from './terminal.ts'

/** What every command is given. */
export interface Context {
  terminal: Terminal
  environment: Environment
  folder: ConfigFolder
}

/** The options that every command takes. */
export interface GlobalOptions {
  rack?: string
  host?: string
}

export function createContext(terminal: Terminal, environment: Environment): Context {
  const folder = new ConfigFolder(environment.configFolder, (text) => terminal.note(text))
  return { terminal, environment, folder }
}
