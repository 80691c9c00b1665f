import { realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { Secret } from '@keyrack/secrets/secret'

/** What the environment says. This is the only file of the command line that reads it. */
export interface Environment {
  /** `$CONVOX_CONFIG`, or `~/.convox`. */
  configFolder: string
  /** The `.convox` of the current folder, which may name the Rack of a project; none at home. */
  projectFolder: string | undefined
  host: string | undefined
  password: Secret | undefined
  rack: string | undefined
  /** `https://convox:<key>@<host>`: a host and its key in one. */
  rackUrl: Secret | undefined
  /** The proxy for https hosts; a secret, because its URL may hold a password. */
  httpsProxy: Secret | undefined
  /** The hosts that are reached without it, as in `NO_PROXY`. */
  noProxy: string
  colour: boolean
  /** Whether every request and the causes of an error are shown, on stderr. */
  debug: boolean
  /** What a program that is started from here may see of the environment: no key is in it. */
  forPrograms: Readonly<Record<string, string>>
}

const FOR_PROGRAMS = /^(PATH|HOME|LANG|LC_.*|TZ|TMPDIR|USER|LOGNAME|SHELL)$/

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
  const home = homedir()
  const configFolder = env.CONVOX_CONFIG || join(home, '.convox')
  const project = join(folder, '.convox')
  // In the home folder, `./.convox` is the person's own and no project's.
  const isOwn = [configFolder, join(home, '.convox')].some((own) => isSame(own, project))
  return {
    configFolder,
    projectFolder: isOwn ? undefined : project,
    host: read('CONVOX_HOST'),
    password: secret('CONVOX_PASSWORD'),
    rack: read('CONVOX_RACK'),
    rackUrl: secret('RACK_URL'),
    // In the order of Go's programs, the official CLIs among them.
    httpsProxy: secret('HTTPS_PROXY') ?? secret('https_proxy'),
    noProxy: read('NO_PROXY') ?? read('no_proxy') ?? '',
    colour: !env.NO_COLOR && env.TERM !== 'dumb',
    debug: /^(1|true|yes|on)$/i.test(read('CONVOX_DEBUG') ?? ''),
    forPrograms: Object.fromEntries(
      Object.entries(env).flatMap(([name, value]) =>
        value !== undefined && FOR_PROGRAMS.test(name) ? [[name, value]] : [],
      ),
    ),
  }
}

function isSame(a: string, b: string): boolean {
  return resolve(a) === resolve(b) || real(a) === real(b)
}

function real(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return resolve(path)
  }
}
