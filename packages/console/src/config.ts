import { BlockList, isIP } from 'node:net'
import { join } from 'node:path'
import { errorText, KeyrackError } from '@keyrack/protocol'
import type { Secret } from '@keyrack/secrets'
import {
  childEnvironment,
  folder,
  type LogLevel,
  list,
  oneOf,
  parsePostgresUrl,
  port,
  readSettings,
  type Settings,
  type SettingsSource,
  secretText,
  text,
} from '@keyrack/server'
import type { WebhookSettings } from './rack-rolls/webhook.ts'

/** Everything the Console reads from its environment, already checked. */
export interface ConsoleConfig {
  /** The plain listener: always loopback. */
  port: number
  tlsPort: number
  /** Where the TLS listener binds. */
  host: string
  /** The local Rack's port; unset: a free one that is remembered. */
  rackPort: number | undefined
  operatorPort: number
  dataDir: string
  keyDir: string
  /** Holds how new the database is; outside of it. */
  anchorFile: string
  /** PostgreSQL instead of a file in `dataDir`. The address holds a password. */
  databaseUrl: Secret | undefined
  tlsCertFile: string | undefined
  tlsKeyFile: string | undefined
  /** Addresses and networks whose `X-Forwarded-For` is believed. */
  trustedProxies: readonly string[]
  /** Host names that a browser may use besides localhost and the one in `publicUrl`. */
  allowedHosts: readonly string[]
  publicUrl: string | undefined
  /** Private networks (CIDR) in which Racks may be. */
  rackNetworks: readonly string[]
  /** Who is told of scheduled work that failed. */
  webhook: WebhookSettings | undefined
  logLevel: LogLevel
  /** Whether somebody beyond this machine can reach a listener, so the first account needs the setup token. */
  exposed: boolean
  /** The allow-listed part of our environment that children may see. */
  childEnvironment: Readonly<Record<string, string>>
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

const SPECS = {
  PORT: port(3000),
  TLS_PORT: port(3443),
  HOST: text('127.0.0.1'),
  RACK_PORT: port(),
  OPERATOR_PORT: port(3444),
  DATA_DIR: folder('data'),
  KEY_DIR: folder(),
  ANCHOR_FILE: folder(),
  TLS_CERT_FILE: folder(),
  TLS_KEY_FILE: folder(),
  TRUSTED_PROXIES: list(),
  ALLOWED_HOSTS: list(),
  PUBLIC_URL: text(),
  RACK_NETWORKS: list(),
  LOG_LEVEL: oneOf(LOG_LEVELS, 'info'),
  DATABASE_URL: secretText(),
  WEBHOOK_URL: text(),
  WEBHOOK_SECRET: secretText(),
}

export function readConfig(source: SettingsSource): ConsoleConfig {
  const settings = readSettings(SPECS, source, problemsOf)
  const keyDir = settings.KEY_DIR ?? join(settings.DATA_DIR, 'console', 'keys')
  return {
    port: settings.PORT,
    tlsPort: settings.TLS_PORT,
    host: settings.HOST,
    rackPort: settings.RACK_PORT,
    operatorPort: settings.OPERATOR_PORT,
    dataDir: settings.DATA_DIR,
    keyDir,
    anchorFile: settings.ANCHOR_FILE ?? join(keyDir, 'anchor'),
    databaseUrl: settings.DATABASE_URL,
    tlsCertFile: settings.TLS_CERT_FILE,
    tlsKeyFile: settings.TLS_KEY_FILE,
    trustedProxies: settings.TRUSTED_PROXIES,
    allowedHosts: settings.ALLOWED_HOSTS,
    publicUrl: settings.PUBLIC_URL,
    rackNetworks: settings.RACK_NETWORKS,
    webhook:
      settings.WEBHOOK_URL === undefined || settings.WEBHOOK_SECRET === undefined
        ? undefined
        : { url: settings.WEBHOOK_URL, secret: settings.WEBHOOK_SECRET },
    logLevel: settings.LOG_LEVEL,
    // A reverse proxy makes the loopback listener reachable; each of these settings announces one.
    exposed:
      !isLoopback(settings.HOST) ||
      settings.TRUSTED_PROXIES.length > 0 ||
      settings.ALLOWED_HOSTS.length > 0 ||
      settings.PUBLIC_URL !== undefined,
    childEnvironment: childEnvironment(source.env),
  }
}

/** What is not in `settings` is wrong by itself, and has been said. */
function problemsOf(settings: Partial<Settings<typeof SPECS>>): string[] {
  const both = (...names: Array<keyof typeof SPECS>) => names.every((name) => name in settings)
  return [
    ...databaseUrlProblems(settings.DATABASE_URL),
    ...(both('TLS_CERT_FILE', 'TLS_KEY_FILE') &&
    (settings.TLS_CERT_FILE === undefined) !== (settings.TLS_KEY_FILE === undefined)
      ? ['TLS_CERT_FILE and TLS_KEY_FILE belong together; set both or none']
      : []),
    ...networkProblems('TRUSTED_PROXIES', settings.TRUSTED_PROXIES ?? []),
    ...networkProblems('RACK_NETWORKS', settings.RACK_NETWORKS ?? []),
    ...publicUrlProblems(settings.PUBLIC_URL),
    ...(both('WEBHOOK_URL', 'WEBHOOK_SECRET')
      ? webhookProblems(settings.WEBHOOK_URL, settings.WEBHOOK_SECRET)
      : []),
    ...samePortProblems(settings),
  ]
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

export function isLoopback(host: string): boolean {
  const family = isIP(host)
  if (family === 0) return host === 'localhost'
  return LOOPBACK.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

function networkProblems(name: string, networks: readonly string[]): string[] {
  return networks
    .filter((network) => !isNetwork(network))
    .map((network) => `${name} holds ${JSON.stringify(network)}; give addresses or CIDR networks`)
}

function isNetwork(value: string): boolean {
  const [address = '', bits, ...rest] = value.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32))
}

function databaseUrlProblems(url: Secret | undefined): string[] {
  if (url === undefined) return []
  try {
    parsePostgresUrl(url)
    return []
  } catch (error) {
    if (!(error instanceof KeyrackError)) throw error
    return [errorText(error)]
  }
}

function publicUrlProblems(value: string | undefined): string[] {
  if (value === undefined) return []
  const url = URL.canParse(value) ? new URL(value) : undefined
  const good = url !== undefined && /^https?:$/.test(url.protocol) && url.username === ''
  return good && url.password === '' && url.pathname === '/' && url.search === ''
    ? []
    : ['PUBLIC_URL must be an address without a path, such as https://console.example.com']
}

/** Long enough that nobody guesses it from a message that was overheard. */
const WEBHOOK_SECRET_LENGTH = 32

function webhookProblems(url: string | undefined, secret: Secret | undefined): string[] {
  if (url === undefined && secret === undefined) return []
  if (url === undefined || secret === undefined) {
    return ['WEBHOOK_URL and WEBHOOK_SECRET belong together; set both or none']
  }
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const host = parsed?.hostname.replace(/^\[|\]$/g, '') ?? ''
  const safe = parsed?.protocol === 'https:' || (parsed?.protocol === 'http:' && isLoopback(host))
  return [
    ...(safe && parsed.username === '' && parsed.password === ''
      ? []
      : ['WEBHOOK_URL must be an https address without a password; http only to this machine']),
    ...(secret.reveal().length >= WEBHOOK_SECRET_LENGTH
      ? []
      : [`WEBHOOK_SECRET must have at least ${WEBHOOK_SECRET_LENGTH} characters`]),
  ]
}

function samePortProblems(settings: Record<string, unknown>): string[] {
  const names = ['PORT', 'TLS_PORT', 'RACK_PORT', 'OPERATOR_PORT']
  return names.flatMap((name, index) => {
    const value = settings[name]
    if (value === undefined || value === 0) return []
    const earlier = names.slice(0, index).find((other) => settings[other] === value)
    return earlier === undefined ? [] : [`${earlier} and ${name} are both ${value}; change one`]
  })
}
