import {
  childEnvironment,
  folder,
  oneOf,
  port,
  readSettings,
  type Setting,
  SettingProblem,
  type SettingsSource,
  text,
} from '@keyrack/server'
import { keyHashProblem } from './rack-keys/key-hash-problem.ts'

/** Everything the Rack reads from its environment, already checked. */
export interface RackConfig {
  dataDir: string
  rackName: string
  /** Unset: a free port, chosen once and remembered. */
  port: number | undefined
  host: string
  /** Whether nothing beyond this machine can reach the Rack. */
  loopbackOnly: boolean
  /** SHA-256 of the Rack API key; needed at the first start only. */
  rackKeyHash: string | undefined
  logLevel: (typeof LOG_LEVELS)[number]
  /** A file of bounded size in the place of standard output. */
  logFile: string | undefined
  /** The allow-listed part of our environment that instances may see. */
  childEnvironment: Readonly<Record<string, string>>
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

const SETTINGS = {
  DATA_DIR: folder('data'),
  RACK_NAME: rackName(),
  RACK_PORT: port(),
  HOST: text('127.0.0.1'),
  RACK_KEY_HASH: keyHash(),
  LOG_LEVEL: oneOf(LOG_LEVELS, 'info'),
  LOG_FILE: folder(),
}

/** Reads and checks the settings; all mistakes are reported in one error. */
export function readConfig(source: SettingsSource): RackConfig {
  const settings = readSettings(SETTINGS, source)
  return {
    dataDir: settings.DATA_DIR,
    rackName: settings.RACK_NAME,
    port: settings.RACK_PORT === 0 ? undefined : settings.RACK_PORT,
    host: settings.HOST,
    loopbackOnly: isLoopback(settings.HOST),
    rackKeyHash: settings.RACK_KEY_HASH,
    logLevel: settings.LOG_LEVEL,
    logFile: settings.LOG_FILE,
    childEnvironment: childEnvironment(source.env),
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** The name is a folder's name and a part of `org/name`; official v3 CLIs allow the same ones. */
function rackName(): Setting<string> {
  return {
    parse(value) {
      if (/^[a-z][a-z0-9-]{0,25}$/.test(value)) return value
      throw new SettingProblem('1 to 26 of a-z, 0-9 and -, beginning with a letter')
    },
    fallback: () => 'dev',
    secret: false,
    required: false,
  }
}

/** Secret, because whoever sets the key itself by mistake must not find it in a log. */
function keyHash(): Setting<string | undefined> {
  return {
    parse(value) {
      const hash = value.trim().toLowerCase()
      const problem = keyHashProblem(hash)
      if (problem !== undefined) throw new SettingProblem(problem)
      return hash
    },
    fallback: () => undefined,
    secret: true,
    required: false,
  }
}
