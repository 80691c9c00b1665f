import { lookup } from 'node:dns/promises'
import { statSync } from 'node:fs'
import { type HttpProxy, peerCertificate } from '@keyrack/protocol/client'
import { readHostMap } from '../config-folder/host-map.ts'
import { readActiveHost } from '../config-folder/login-state.ts'
import { changedCertificate, connectTo, connectToRack } from '../connect.ts'
import type { Context, GlobalOptions } from '../context.ts'
import { codeOf } from '../error-code.ts'
import { Failure, NotLoggedIn } from '../failures.ts'
import { findProxy } from '../find-proxy.ts'
import { isHostInsteadOfRack } from '../rack-name.ts'
import { chooseRack, findInstalledTarget, findTarget, type Target } from '../target.ts'
import { proveKey } from '../who-am-i.ts'

export interface Result {
  check: string
  status: 'ok' | 'failed' | 'skipped'
  detail: string
  /** What to do about it. */
  next?: string
}

const SKEW_MS_MAX = 60_000

/** Looks at everything between this command line and the Rack, nearest first. */
export async function examine(
  context: Context,
  options: GlobalOptions,
  now: () => number = Date.now,
): Promise<Result[]> {
  const results: Result[] = []
  const skipped = new Set<string>()
  /** A check that failed takes along what cannot work without it. */
  const check = async (name: string, needs: string[], work: () => Promise<string> | string) => {
    const missing = needs.find((need) => skipped.has(need))
    if (missing !== undefined) {
      skipped.add(name)
      results.push({ check: name, status: 'skipped', detail: `needs ${missing}` })
      return
    }
    try {
      results.push({ check: name, status: 'ok', detail: await work() })
    } catch (error) {
      skipped.add(name)
      results.push({ check: name, status: 'failed', ...explain(error) })
    }
  }

  let found: Target | undefined
  const target = (): Target => {
    found ??= findInstalledTarget(context, options) ?? findTarget(context, options)
    return found
  }
  let skewMs: number | undefined
  await check('config folder', [], () => examineFolder(context))
  const proxy = (): HttpProxy | undefined => findProxy(context.environment, target().host.url)
  await check('login', [], () => describeLogin(context, target()))
  await check('choice', ['login'], () => describeChoice(context, options, target()))
  await check('dns', ['login'], () => {
    const through = proxy()
    if (through === undefined) return resolve(new URL(target().host.url).hostname)
    return `left to the proxy ${through.host}:${through.port} (HTTPS_PROXY)`
  })
  await check('tls', ['dns'], () => examineCertificate(target(), proxy()))
  await check('key', ['tls'], async () => {
    const date = await proveKey(await connectTo(context, target()))
    if (date !== undefined) skewMs = now() - Date.parse(date)
    return `${target().host.name} accepts it`
  })
  await check('clock', ['key'], () => examineClock(skewMs))
  await check('rack', ['key'], async () => {
    const connection = await connectToRack(context, options)
    const { System } = await import('@keyrack/protocol/resources')
    const { name, status } = await connection.get('/system', (value) => System.parse(value))
    return `${name} is ${status}`
  })
  return results
}

/** Reading repairs looser modes, so what is found here could not be repaired. */
function examineFolder({ folder }: Context): string {
  for (const file of ['auth', 'current', 'fingerprints'] as const) readHostMap(folder, file)
  readActiveHost(folder)
  for (const path of [folder.path, folder.pathOf('auth')]) {
    const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0
    if ((mode & 0o077) === 0) continue
    const shown = (mode & 0o777).toString(8).padStart(4, '0')
    throw new Failure(`${path} is open to other users (mode ${shown})`, `run: chmod go= ${path}`)
  }
  const there = statSync(folder.path, { throwIfNoEntry: false }) !== undefined
  return there ? `${folder.path} is yours alone` : `${folder.path} is not there yet`
}

function describeLogin({ folder }: Context, { host, hostSource, keySource }: Target): string {
  const key = keySource === 'file' ? folder.pathOf('auth') : keySource
  return `${host.name} (from ${hostSource ?? 'the command'}), with the key from ${key}`
}

/** Which Rack commands go to, and what says so. */
function describeChoice(context: Context, options: GlobalOptions, { host }: Target): string {
  const installed = findInstalledTarget(context, options)
  if (installed !== undefined) return `a Rack of this machine (from ${installed.hostSource})`
  const chosen = chooseRack(context, options, host.name)
  if (chosen === undefined) return `${host.name} itself: no Rack is chosen there`
  const { name, source } = chosen
  const what = isHostInsteadOfRack(name, host.name) ? `${host.name} itself` : `the Rack ${name}`
  return `${what} (from ${source})`
}

async function resolve(hostname: string): Promise<string> {
  const bare = hostname.replace(/^\[|\]$/g, '')
  try {
    const addresses = await lookup(bare, { all: true })
    return `${bare} is ${addresses.map(({ address }) => address).join(', ')}`
  } catch (error) {
    throw new Failure(
      `the name ${bare} cannot be resolved (${codeOf(error)})`,
      'is it spelled right, and is this machine online?',
      error,
    )
  }
}

async function examineCertificate(
  { host, pin, whenDown }: Target,
  proxy: HttpProxy | undefined,
): Promise<string> {
  if (host.url.startsWith('http:')) return 'plain http, which never leaves this machine'
  const { fingerprint, keyFingerprint, trusted } = await peerCertificate(
    host.url,
    proxy === undefined ? {} : { proxy },
  ).catch((error: unknown) => {
    if (whenDown === undefined || !(error instanceof Error)) throw error
    throw new Failure(error.message, whenDown, error)
  })
  if (pin !== undefined) {
    if (pin !== fingerprint && pin !== keyFingerprint) {
      throw changedCertificate(host.name, pin, fingerprint)
    }
    return `the certificate is the one you trust, SHA-256 ${pin}`
  }
  if (trusted) return 'a certificate authority vouches for the certificate'
  throw new Failure(
    `no certificate authority vouches for SHA-256 ${fingerprint}`,
    `compare and accept it: convox login ${host.name}`,
  )
}

function examineClock(skewMs: number | undefined): string {
  if (skewMs === undefined || Number.isNaN(skewMs)) return 'the server does not tell its time'
  const seconds = Math.round(Math.abs(skewMs) / 1000)
  if (Math.abs(skewMs) <= SKEW_MS_MAX) return `agrees with the server's (within ${seconds} s)`
  throw new Failure(
    `this machine's clock is ${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} the server's`,
    'correct the one that is wrong, for example: timedatectl set-ntp true',
  )
}

/** What a person met becomes a line; a mistake of ours stays one. */
function explain(error: unknown): { detail: string; next?: string } {
  const known =
    error instanceof Failure || (error instanceof Error && error.name === 'KeyrackError')
  if (!known) throw error
  const hint = 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined
  const next = hint ?? (error instanceof NotLoggedIn ? 'run: convox login HOST' : undefined)
  return { detail: error.message, ...(next === undefined ? {} : { next }) }
}
