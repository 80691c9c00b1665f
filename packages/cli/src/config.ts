import { homedir } from 'node:os'
import { join } from 'node:path'
import { Secret } from '@keyrack/secrets/secret'

/** What the environment says. This is the only file of the command line that reads it. */
export interface Environment {
  /** `$CONVOX_CONFIG`, or `~/.convox`. */
  configFolder: string
  /** The `.convox` of the current folder, which may name the Rack of a project. */
  projectFolder: string
  host: string | undefined
  password: Secret | undefined
  rack: string | undefined
  /** `https://convox:<key>@<host>`: a host and its key in one. */
  rackUrl: Secret | undefined
  colour: boolean
}

export function readEnvironment(
  env: Record<string, string | undefined> = process.env,
  folder: string = process.cwd(),
): Environment {
  // An empty variable is one that somebody meant to unset.
  const read = (name: string): string | undefined => env[name]?.trim() || undefined
  const secret = (name: string): Secret | undefined => {
    const text = read(name)
    return text === undefined ? undefined : Secret.of(text)
  }
  return {
    configFolder: env['CONVOX_CONFIG'] || join(homedir(), '.convox'),
    projectFolder: join(folder, '.convox'),
    host: read('CONVOX_HOST'),
    password: secret('CONVOX_PASSWORD'),
    rack: read('CONVOX_RACK'),
    rackUrl: secret('RACK_URL'),
    colour: !env['NO_COLOR'] && env['TERM'] !== 'dumb',
  }
}
