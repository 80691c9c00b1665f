// Where settings come from: NAME in the environment, a file named by NAME_FILE, or a file NAME in
// $CREDENTIALS_DIRECTORY (systemd.io/CREDENTIALS). One of the three; two at once are refused,
// because the one that silently wins is the one the operator forgot. All mistakes are reported
// together, so that nobody repairs them one start at a time.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { KeyrackError } from '@keyrack/protocol'
import { type Setting, SettingProblem } from './setting-kinds.ts'

export interface SettingsSource {
  env: Record<string, string | undefined>
  readFile?: (path: string) => string
}

type AnySetting = Setting<unknown>
type ValueOf<T> = T extends Setting<infer Value> ? Value : never

export type Settings<Specs> = { [Name in keyof Specs]: ValueOf<Specs[Name]> }

/** One line of `config`: the effective value with secrets masked, and where it came from. */
export interface SettingsReportLine {
  name: string
  value: string
  source: string
}

interface Found {
  text: string
  source: string
}

/**
 * Reads every setting of `specs` (by variable name) or throws one KeyrackError with all mistakes.
 * `further` finds those that a setting alone does not show; what could not be read is not in its input.
 */
export function readSettings<Specs extends Record<string, AnySetting>>(
  specs: Specs,
  source: SettingsSource,
  further: (settings: Partial<Settings<Specs>>) => string[] = () => [],
): Settings<Specs> {
  const { values, problems } = readAll(specs, source)
  const settings = Object.fromEntries(
    [...values].map(([name, entry]) => [name, entry.value]),
  ) as Settings<Specs>
  const more = further(settings)
  const all = [...problems, ...more]
  if (all.length === 0) return settings
  // What `further` says is a sentence of its own.
  if (problems.length === 0) throw new KeyrackError('invalid', more.join('\n'))
  const count = all.length === 1 ? 'a setting is wrong' : `${all.length} settings are wrong`
  throw new KeyrackError('invalid', `${count}:\n${all.map((line) => `  ${line}`).join('\n')}`)
}

/** What every setting is and where it came from; a wrong one is listed as wrong. */
export function settingsReport(
  specs: Record<string, AnySetting>,
  source: SettingsSource,
): SettingsReportLine[] {
  const { values } = readAll(specs, source)
  return Object.keys(specs).map((name) => {
    const entry = values.get(name)
    if (entry === undefined) return { name, value: '(wrong or missing)', source: '-' }
    return { name, value: shown(entry.value), source: entry.source }
  })
}

function readAll(specs: Record<string, AnySetting>, source: SettingsSource) {
  const values = new Map<string, { value: unknown; source: string }>()
  const problems: string[] = []
  for (const [name, spec] of Object.entries(specs)) {
    try {
      const found = find(name, source)
      if (found !== undefined) {
        values.set(name, { value: parse(name, spec, found), source: found.source })
      } else if (spec.required) {
        throw new Mistake(`${name} is not set; set it, or ${name}_FILE to a file that holds it`)
      } else {
        values.set(name, { value: spec.fallback(), source: 'default' })
      }
    } catch (error) {
      if (!(error instanceof Mistake)) throw error
      problems.push(error.message)
    }
  }
  return { values, problems }
}

class Mistake extends Error {}

function parse(name: string, spec: AnySetting, found: Found): unknown {
  try {
    return spec.parse(found.text)
  } catch (error) {
    if (!(error instanceof SettingProblem)) throw error
    const what = spec.secret ? '' : ` is ${quote(found.text)}, but it`
    throw new Mistake(`${name} (${found.source})${what} must be ${error.message}`)
  }
}

function find(name: string, source: SettingsSource): Found | undefined {
  const read = source.readFile ?? ((path: string) => readFileSync(path, 'utf8'))
  const found: Found[] = []
  const plain = source.env[name]
  if (plain !== undefined && plain !== '') found.push({ text: plain, source: 'environment' })

  const file = source.env[`${name}_FILE`]
  if (file !== undefined && file !== '') {
    found.push(fromFile(`${name}_FILE`, file, read) ?? missing(`${name}_FILE`, file))
  }
  const credentials = source.env.CREDENTIALS_DIRECTORY
  if (credentials !== undefined && credentials !== '') {
    const credential = fromFile('CREDENTIALS_DIRECTORY', join(credentials, name), read)
    if (credential !== undefined) found.push(credential)
  }
  const [first, second] = found
  if (first !== undefined && second !== undefined) {
    throw new Mistake(`${name} is set twice (${first.source}; ${second.source}); keep one of them`)
  }
  if (first?.text.includes('\0') === true) {
    throw new Mistake(`${name} (${first.source}) holds a NUL character`)
  }
  return first
}

function missing(variable: string, path: string): never {
  throw new Mistake(`${variable} names ${path}, which does not exist`)
}

function fromFile(
  variable: string,
  path: string,
  read: (path: string) => string,
): Found | undefined {
  let content: string
  try {
    content = read(path)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new Mistake(
      `${variable} names ${path}, which cannot be read (${code ?? 'unknown reason'})`,
    )
  }
  // Editors and `echo` end a file with a line end that is no part of the value.
  const value = content.replace(/\r?\n$/, '')
  if (value === '') throw new Mistake(`${variable} names ${path}, which is empty`)
  return { text: value, source: `file ${path}` }
}

function shown(value: unknown): string {
  if (value === undefined) return '(not set)'
  return Array.isArray(value) ? value.join(', ') : String(value)
}

/** Quoted, one line, bounded: the text came from outside. */
function quote(value: string): string {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value)
}
