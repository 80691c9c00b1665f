import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { KeyrackError } from '@keyrack/protocol'
import { Secret } from '@keyrack/secrets'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  duration,
  flag,
  folder,
  list,
  oneOf,
  port,
  required,
  type Setting,
  secretText,
  text,
  wholeNumber,
} from './setting-kinds.ts'
import { readSettings, settingsReport } from './settings.ts'
import { temporaryFolder } from './testing/temporary-folder.ts'

let temporary: ReturnType<typeof temporaryFolder>
beforeEach(() => {
  temporary = temporaryFolder()
})
afterEach(() => temporary.remove())

type Env = Record<string, string | undefined>

function file(name: string, content: string): string {
  const path = join(temporary.path, name)
  writeFileSync(path, content)
  return path
}

function refusal(specs: Record<string, Setting<unknown>>, env: Env): string {
  try {
    readSettings(specs, { env })
  } catch (error) {
    expect(error).toMatchObject({ name: 'KeyrackError', code: 'invalid' })
    return (error as KeyrackError).message
  }
  return 'they were read'
}

describe('settings', () => {
  it('come typed, with their defaults when nobody set them', () => {
    const specs = {
      PORT: port(3000),
      TLS_PORT: port(),
      NAME: text('local'),
      PUBLIC_URL: text(),
      DATA_DIR: folder('data'),
      HOSTS: list(),
      OPEN: flag(),
      LOG_LEVEL: oneOf(['info', 'debug'], 'info'),
      GRACE: duration(60_000),
      COUNT: wholeNumber({ min: 1, max: 9, fallback: 3 }),
      KEY: secretText(),
    }
    const settings = readSettings(specs, { env: {} })
    const port3000: number = settings.PORT
    const level: 'info' | 'debug' = settings.LOG_LEVEL
    const key: Secret | undefined = settings.KEY
    expect([port3000, level, key]).toEqual([3000, 'info', undefined])
    expect(settings).toEqual({
      PORT: 3000,
      TLS_PORT: undefined,
      NAME: 'local',
      PUBLIC_URL: undefined,
      DATA_DIR: resolve('data'),
      HOSTS: [],
      OPEN: false,
      LOG_LEVEL: 'info',
      GRACE: 60_000,
      COUNT: 3,
      KEY: undefined,
    })
  })

  it('are parsed from the environment', () => {
    const env = {
      PORT: '0',
      DATA_DIR: 'somewhere',
      HOSTS: 'a.example, b.example  c.example,',
      OPEN: 'Yes',
      LOG_LEVEL: 'debug',
      GRACE: '15m',
      COUNT: '9',
    }
    const specs = {
      PORT: port(3000),
      DATA_DIR: folder(),
      HOSTS: list(),
      OPEN: flag(),
      LOG_LEVEL: oneOf(['info', 'debug'], 'info'),
      GRACE: duration(),
      COUNT: wholeNumber({ min: 1, max: 9, fallback: 3 }),
    }
    expect(readSettings(specs, { env })).toEqual({
      PORT: 0,
      DATA_DIR: resolve('somewhere'),
      HOSTS: ['a.example', 'b.example', 'c.example'],
      OPEN: true,
      LOG_LEVEL: 'debug',
      GRACE: 900_000,
      COUNT: 9,
    })
  })

  it('count as unset when they are empty', () => {
    const env = { PORT: '', PORT_FILE: '', CREDENTIALS_DIRECTORY: '' }
    expect(readSettings({ PORT: port(3000) }, { env })).toEqual({ PORT: 3000 })
  })

  it.each([
    ['port', port(), ['-1', '65536', '3000 ', '0x10', '1e3', 'http', '3.5']],
    ['whole number', wholeNumber({ min: 1, max: 9, fallback: 1 }), ['0', '10', 'one']],
    ['flag', flag(), ['maybe', '2', 'y']],
    ['oneOf', oneOf(['info', 'debug']), ['Info', 'warn']],
    ['duration', duration(), ['15', '15 m', '-1s', '1w', 'm']],
  ])('of the kind %s refuse what they are not', (_kind, spec, wrong) => {
    for (const value of wrong) {
      expect(refusal({ X: spec }, { X: value })).toContain(
        `X (environment) is "${value}", but it must be`,
      )
    }
  })
})

describe('the places a setting comes from', () => {
  it('are the environment, a named file, and the credentials folder of systemd', () => {
    const credentials = join(temporary.path, 'credentials')
    mkdirSync(credentials)
    writeFileSync(join(credentials, 'C'), 'from credentials\n')
    const env = {
      A: 'from environment',
      B_FILE: file('b', 'from file\r\n'),
      CREDENTIALS_DIRECTORY: credentials,
    }
    const settings = readSettings({ A: text(), B: text(), C: text(), D: text('default') }, { env })
    expect(settings).toEqual({
      A: 'from environment',
      B: 'from file',
      C: 'from credentials',
      D: 'default',
    })
  })

  it('of one setting may not be two, whichever two', () => {
    const credentials = join(temporary.path, 'credentials')
    mkdirSync(credentials)
    writeFileSync(join(credentials, 'A'), 'x')
    const places: Env[] = [
      { A: 'x' },
      { A_FILE: file('a', 'x') },
      { CREDENTIALS_DIRECTORY: credentials },
    ]
    places.forEach((one, index) => {
      for (const other of places.slice(index + 1)) {
        expect(refusal({ A: text() }, { ...one, ...other })).toContain('A is set twice')
      }
    })
  })

  it('keep everything of a file but its last line end', () => {
    const env = { A_FILE: file('a', '  two\nlines \n\n') }
    expect(readSettings({ A: text() }, { env })).toEqual({ A: '  two\nlines \n' })
  })

  it('are named when a file is missing, empty, unreadable or not text', () => {
    const missing = join(temporary.path, 'missing')
    expect(refusal({ A: text() }, { A_FILE: missing })).toContain(
      `A_FILE names ${missing}, which does not exist`,
    )
    expect(refusal({ A: text() }, { A_FILE: file('e', '\n') })).toContain('which is empty')
    expect(refusal({ A: text() }, { A_FILE: temporary.path })).toContain(
      `A_FILE names ${temporary.path}, which cannot be read (EISDIR)`,
    )
    expect(refusal({ A: text() }, { A_FILE: file('nul', 'a\0b') })).toContain('NUL')
  })
})

describe('mistakes', () => {
  it('are told all at once, each with its variable', () => {
    const specs = {
      PORT: port(3000),
      OPEN: flag(),
      DATABASE: required(text()),
      B: text(),
      OK: text(),
    }
    const env = { PORT: 'x', OPEN: 'maybe', B: 'x', B_FILE: file('b', 'x'), OK: 'fine' }
    const message = refusal(specs, env)
    expect(message.split('\n')).toEqual([
      '4 settings are wrong:',
      '  PORT (environment) is "x", but it must be a port between 0 and 65535',
      '  OPEN (environment) is "maybe", but it must be true or false',
      '  DATABASE is not set; set it, or DATABASE_FILE to a file that holds it',
      expect.stringContaining('  B is set twice'),
    ])
  })

  it('name the file a wrong value stands in', () => {
    const path = file('port', 'x')
    expect(refusal({ PORT: port() }, { PORT_FILE: path })).toContain(`PORT (file ${path}) is "x"`)
  })

  it('keep a value to one short line', () => {
    const message = refusal({ PORT: port() }, { PORT: `1\n2${'x'.repeat(500)}` })
    expect(message.split('\n')).toHaveLength(2)
    expect(message.length).toBeLessThan(250)
  })
})

describe('a secret setting', () => {
  it('exists only as a Secret', () => {
    const { KEY } = readSettings({ KEY: required(secretText()) }, { env: { KEY: 'hunter2' } })
    expect(KEY).toBeInstanceOf(Secret)
    expect(KEY.reveal()).toBe('hunter2')
  })

  it('is in no error text and in no report', () => {
    const specs = { KEY: secretText(), NUL: secretText(), PORT: port() }
    const env = { KEY: 'hunter2', KEY_FILE: file('k', 'hunter2'), NUL: 'hunter2\0', PORT: 'x' }
    expect(refusal(specs, env)).not.toContain('hunter2')
    const wrongSecret = { PIN: { ...port(), secret: true } }
    expect(refusal(wrongSecret, { PIN: 'hunter2' })).toContain(
      'PIN (environment) must be a port between 0 and 65535',
    )
    const report = settingsReport({ KEY: secretText() }, { env: { KEY: 'hunter2' } })
    expect(JSON.stringify(report)).not.toContain('hunter2')
  })
})

describe('the report', () => {
  it('shows every effective value and where it came from', () => {
    const path = file('name', 'kept')
    const specs = {
      PORT: port(3000),
      NAME: text(),
      KEY: secretText(),
      HOSTS: list(['a', 'b']),
      BAD: port(),
    }
    expect(settingsReport(specs, { env: { NAME_FILE: path, KEY: 'k', BAD: 'x' } })).toEqual([
      { name: 'PORT', value: '3000', source: 'default' },
      { name: 'NAME', value: 'kept', source: `file ${path}` },
      { name: 'KEY', value: '[secret]', source: 'environment' },
      { name: 'HOSTS', value: 'a, b', source: 'default' },
      { name: 'BAD', value: '(wrong or missing)', source: '-' },
    ])
  })
})
