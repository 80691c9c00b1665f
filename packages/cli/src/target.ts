import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Secret } from '@keyrack/secrets/secret'
import { readActiveHost, readChosenRack, readKeys, readPin } from './config-folder/login-state.ts'
import type { Context, GlobalOptions } from './context.ts'
import { Failure, NotLoggedIn } from './failures.ts'
import { type Host, parseHost } from './host.ts'
import { findInstalledAt, installedNames, readRecord } from './installed/installed-rack.ts'
import { isHostInsteadOfRack } from './rack-name.ts'

export type KeySource = 'file' | 'CONVOX_PASSWORD' | 'RACK_URL'

/** Where a command goes and as whom. Precedence: flag, environment, project, `~/.convox`. */
export interface Target {
  host: Host
  /** What chose the host, where it was not the command itself: a flag, a variable or a file. */
  hostSource?: string
  key: Secret
  keySource: KeySource
  pin: string | undefined
  /** The user beside the key, where it matters: `jwt` says that the key is an access token. */
  user?: string
  /** What to run when nothing answers there. */
  whenDown?: string
  /** What to run when its key is not taken any more, where another login does not help. */
  whenRefused?: string
}

export function findTarget(context: Context, options: GlobalOptions): Target {
  const { environment, folder } = context
  if (options.host === undefined && environment.rackUrl !== undefined) {
    const pin = pinOfRackUrl(context)
    return { ...parseRackUrl(environment.rackUrl), hostSource: 'RACK_URL', pin }
  }
  const { host, source: hostSource } = chooseHost(context, options)
  const pin = readPin(folder, host.name)
  const ofInstalled = repairs(findInstalledAt(folder, host.name))
  if (environment.password !== undefined) {
    const key = environment.password
    return { host, hostSource, key, keySource: 'CONVOX_PASSWORD', pin, ...ofInstalled }
  }
  const key = readKeys(folder).get(host.name)
  if (key === undefined) {
    throw new NotLoggedIn(`not logged in to ${host.name}`, `run: convox login ${host.name}`)
  }
  return { host, hostSource, key, keySource: 'file', pin, ...ofInstalled }
}

/** Of a Rack of this machine: its key is not for anybody to type, it was made here. */
function repairs(installed: string | undefined): Pick<Target, 'whenDown' | 'whenRefused'> {
  if (installed === undefined) return {}
  return {
    whenDown: `start it: convox rack start ${installed}`,
    whenRefused: `use it through the Console that rolled its key, or make another: convox rack reset-key ${installed}`,
  }
}

/**
 * A Rack of this machine, where the flag, the environment or the project name it: `local/NAME`.
 * Undefined when something else is meant, an organization of that name included.
 */
export function findInstalledTarget(context: Context, options: GlobalOptions): Target | undefined {
  const { environment, folder } = context
  const byFlag = options.rack !== undefined
  if (options.host !== undefined || (!byFlag && environment.rackUrl !== undefined)) return undefined
  const chosen = overridingRack(context, options)
  const name = /^local\/(.+)$/.exec(chosen?.name ?? '')?.[1]
  if (chosen === undefined || name === undefined || !installedNames(folder).includes(name))
    return undefined
  const host = readRecord(folder, name)?.host
  const key = host === undefined ? undefined : readKeys(folder).get(host)
  if (host === undefined || key === undefined) {
    throw new NotLoggedIn(
      `there is no key for local/${name}`,
      host === undefined ? `finish it: convox install --name ${name}` : `run: convox login ${host}`,
    )
  }
  const pin = readPin(folder, host)
  const hostSource = chosen.source
  return { host: parseHost(host), hostSource, key, keySource: 'file', pin, ...repairs(name) }
}

/** The host of a command, which needs no key to be known. */
export function findHost(context: Context, options: GlobalOptions): Host {
  return chooseHost(context, options).host
}

function chooseHost(
  { environment, folder }: Context,
  options: GlobalOptions,
): { host: Host; source: string } {
  const of = (name: string, source: string) => ({ host: parseHost(name), source })
  if (options.host !== undefined) return of(options.host, '--host')
  if (environment.host !== undefined) return of(environment.host, 'CONVOX_HOST')
  const active = readActiveHost(folder)
  if (active !== undefined) return of(active, folder.pathOf('host'))
  if (readKeys(folder).size === 0) throw new NotLoggedIn('not logged in', 'run: convox login HOST')
  throw new NotLoggedIn(
    'no host is chosen',
    'see your Racks: convox racks, and choose one: convox switch ORG/RACK',
  )
}

export interface ChosenRack {
  name: string
  source: string
}

/** The Rack of a command; undefined when none is chosen, or when the host itself is the Rack. */
export function findRack(
  context: Context,
  options: GlobalOptions,
  host: string,
): ChosenRack | undefined {
  const chosen = chooseRack(context, options, host)
  if (chosen === undefined || isHostInsteadOfRack(chosen.name, host)) return undefined
  return chosen
}

/** What overrules `convox switch` here and now, for a remark. */
export function rackOverride(context: Context): string | undefined {
  if (context.environment.rack !== undefined) return 'CONVOX_RACK'
  return rackOfProject(context)?.source
}

/** As it was chosen, a host in its place included. */
export function chooseRack(
  context: Context,
  options: GlobalOptions,
  host: string,
): ChosenRack | undefined {
  const { folder } = context
  const overriding = overridingRack(context, options)
  if (overriding !== undefined) return overriding
  const remembered = readChosenRack(folder, host)
  return remembered === undefined ? undefined : { name: remembered, source: folder.pathOf('rack') }
}

function overridingRack(context: Context, options: GlobalOptions): ChosenRack | undefined {
  const { environment } = context
  if (options.rack !== undefined) return { name: options.rack, source: '--rack' }
  if (environment.rack !== undefined) return { name: environment.rack, source: 'CONVOX_RACK' }
  return rackOfProject(context)
}

function rackOfProject({ environment }: Context): ChosenRack | undefined {
  if (environment.projectFolder === undefined) return undefined
  const source = join(environment.projectFolder, 'rack')
  let text: string
  try {
    const stat = statSync(source, { throwIfNoEntry: false })
    if (stat === undefined) return undefined
    // Passed over, it would send the command to another Rack than the project's.
    if (!stat.isFile() || stat.size > 4096) throw notOurs(source)
    text = readFileSync(source, 'utf8')
  } catch (error) {
    if (error instanceof Failure) throw error
    throw new Failure(`cannot read ${source}`, `look at it: ls -l ${source}`, error)
  }
  const name = text.trim()
  return name === '' ? undefined : { name, source }
}

function notOurs(source: string): Failure {
  return new Failure(
    `${source} is not a file that holds the name of a Rack`,
    `write one into it, as in acme/dev, or move it away: mv ${source} ${source}.old`,
  )
}

/** The key is in the URL, so no message may quote it. */
function parseRackUrl(secret: Secret): Omit<Target, 'pin' | 'hostSource'> {
  const text = secret.reveal()
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.password === '') {
    throw new Failure('RACK_URL is not a Rack', 'it looks like https://convox:KEY@HOST')
  }
  const host = parseHost(`${url.protocol}//${url.host}${url.pathname}`)
  const user = url.username === '' ? {} : { user: decode(url.username) }
  return { host, key: Secret.of(decode(url.password)), keySource: 'RACK_URL', ...user }
}

function pinOfRackUrl(context: Context): string | undefined {
  const { rackUrl } = context.environment
  return rackUrl === undefined
    ? undefined
    : readPin(context.folder, parseRackUrl(rackUrl).host.name)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
