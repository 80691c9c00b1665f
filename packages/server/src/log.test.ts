import type { StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { KeyrackError } from '@keyrack/protocol'
import { mintApiKey, Secret } from '@keyrack/secrets'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createLogger, type LoggerOptions } from './log.ts'
import { startProgram } from './testing/child-program.ts'

function logger(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  const log = createLogger({ name: 'console', destination, ...options })
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? 'null') }
}

const HIDDEN = 'hunter2-the-secret'

describe('a log line', () => {
  it('is one JSON object with time, level by name, program and message', () => {
    const { log, last, lines } = logger()
    log.info({ route: 'apps.list', ms: 12 }, 'request')
    expect(lines).toHaveLength(1)
    expect(lines[0]?.endsWith('\n')).toBe(true)
    expect(last()).toMatchObject({
      level: 'info',
      name: 'console',
      pid: process.pid,
      route: 'apps.list',
      ms: 12,
      msg: 'request',
    })
    expect(new Date(last().time).getTime()).toBeGreaterThan(0)
  })

  it('below the level is not written', () => {
    const { log, lines } = logger({ level: 'warn' })
    log.info('quiet')
    log.warn('loud')
    expect(lines).toHaveLength(1)
  })

  it('cannot be forged by text with line ends', () => {
    const { log, lines } = logger()
    const attack = 'x\n{"level":"info","msg":"signed in as root"}\r\n'
    log.info({ user: attack, [attack]: 1 }, attack)
    expect(lines).toHaveLength(1)
    expect(lines[0]?.trimEnd()).not.toMatch(/[\r\n]/)
  })
})

describe('a secret never reaches the log', () => {
  const key = mintApiKey('user')
  const cases: ReadonlyArray<readonly [string, (log: ReturnType<typeof logger>['log']) => void]> = [
    ['as a field', (log) => log.info({ key: Secret.of(HIDDEN) }, 'x')],
    [
      'as a field of a field of a list',
      (log) => log.info({ a: [{ b: { c: Secret.of(HIDDEN) } }] }),
    ],
    ['in the message', (log) => log.info(`key ${Secret.of(HIDDEN)}`)],
    [
      'as a value for the message',
      // The types refuse it; a caller without types could still do it.
      (log) => {
        Reflect.apply(log.info, log, ['%s %o', Secret.of(HIDDEN), { a: Secret.of(HIDDEN) }])
      },
    ],
    ['as an item of a list', (log) => log.info([Secret.of(HIDDEN)])],
    ['in a child logger', (log) => log.child({ key: Secret.of(HIDDEN) }).info('x')],
    [
      'by its name in a child of a child',
      (log) =>
        log
          .child({})
          .child({ a: { password: HIDDEN } })
          .info('x'),
    ],
    ['by its name', (log) => log.info({ password: HIDDEN })],
    [
      'by its name, however written',
      (log) =>
        log.info({ 'API-Key': HIDDEN, apiKey: HIDDEN, api_key: HIDDEN, Set_Cookie: [HIDDEN] }),
    ],
    [
      'by its name, deep down',
      (log) => log.info({ request: { headers: { authorization: HIDDEN, cookie: HIDDEN } } }),
    ],
    ['by its name in a value for the message', (log) => log.info('%o', { token: HIDDEN })],
    [
      'in a map or a set',
      (log) => log.info({ m: new Map([['password', HIDDEN]]), s: new Set([Secret.of(HIDDEN)]) }),
    ],
    ['in an error', (log) => log.error({ err: new Error('x', { cause: { password: HIDDEN } }) })],
    ['as a field of an error', (log) => log.error(Object.assign(new Error('x'), { sql: HIDDEN }))],
    [
      'as a field of the cause of an error',
      (log) =>
        log.error({
          err: new KeyrackError('internal', 'x', {
            cause: Object.assign(new Error('y'), { detail: HIDDEN }),
          }),
        }),
    ],
    ['as bytes', (log) => log.info({ body: Buffer.from(HIDDEN) })],
    [
      'as a credential header in text',
      (log) => log.info(`got Basic ${Buffer.from(HIDDEN).toString('base64')} and Bearer ${HIDDEN}`),
    ],
    [
      'as the user part of a URL',
      (log) => log.info({ url: `postgres://app:${HIDDEN}@db.example/x` }),
    ],
  ]
  it.each(cases)('%s', (_where, write) => {
    const { log, lines } = logger({ level: 'trace' })
    write(log)
    expect(lines).toHaveLength(1)
    expect(lines.join()).not.toContain(HIDDEN)
    expect(lines.join()).not.toContain(Buffer.from(HIDDEN).toString('base64'))
  })

  it('as one of our keys in any text, which still shows its kind', () => {
    const { log, lines } = logger()
    log.info({ note: `used ${key.reveal()} twice` }, `the key ${key.reveal()}`)
    log.error(new Error(`no such key ${key.reveal()}`))
    expect(lines.join()).not.toContain(key.reveal().slice(5))
    expect(lines.join()).toContain('cvxu_[secret]')
  })

  it('as a private key or a master key in any text', () => {
    const { log, lines } = logger()
    const pem = `-----BEGIN OPENSSH PRIVATE KEY-----\n${HIDDEN}\n-----END OPENSSH PRIVATE KEY-----`
    log.info({ a: `before ${pem} after`, b: `-----BEGIN PRIVATE KEY-----\n${HIDDEN}` })
    log.info(`krm1.${HIDDEN}`)
    expect(lines.join()).not.toContain(HIDDEN)
    expect(lines[0]).toContain('before [secret] after')
  })
})

describe('standard output', () => {
  it('has every line of a process that ends at once', async () => {
    // More than fits between the two, so that the program has to wait for its reader.
    const child = startProgram('log-and-exit', ['5000'])
    expect(await child.ended).toEqual({ code: 0, signal: null })
    const lines = child.output().trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).n)).toEqual(
      Array.from({ length: 5000 }, (_, n) => n),
    )
  })

  it('that nobody reads any more does not end the server', async () => {
    const child = startProgram('log-and-exit', ['500', 'wait'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.process.kill('SIGKILL'))
    const closed = once(child.process.stdout ?? process, 'close')
    child.process.stdout?.destroy()
    await closed
    child.process.stdin?.end()
    expect(await child.ended).toEqual({ code: 0, signal: null })
  })
})

describe('standard output on a full disk', () => {
  it.skipIf(!existsSync('/dev/full'))('does not end the server', async () => {
    const full = openSync('/dev/full', 'w')
    onTestFinished(() => closeSync(full))
    const stdio: StdioOptions = ['ignore', full, 'inherit']
    const child = startProgram('log-and-exit', ['50', 'fatal'], { stdio })
    onTestFinished(() => void child.process.kill('SIGKILL'))
    expect(await child.ended).toEqual({ code: 0, signal: null })
  })
})

describe('what is logged besides', () => {
  it('shows an error with its stack and the messages of its causes', () => {
    const { log, last } = logger()
    const cause = new Error('disk gone', { cause: new TypeError('bad sector') })
    log.error(
      { err: new KeyrackError('not-ready', 'no database', { hint: 'wait', cause }) },
      'failed',
    )
    expect(last()).toMatchObject({
      msg: 'failed',
      err: {
        type: 'KeyrackError',
        message: 'no database',
        code: 'not-ready',
        hint: 'wait',
        causes: ['Error: disk gone', 'TypeError: bad sector'],
      },
    })
    expect(last().err.stack).toContain('log.test.ts')
    log.error(new Error('alone'))
    expect(last()).toMatchObject({ msg: 'alone', err: { message: 'alone' } })
  })

  it('survives circles, depth, big numbers and odd values', () => {
    const { log, last } = logger()
    const circle: Record<string, unknown> = { name: 'circle' }
    circle.self = circle
    let deep: unknown = 'bottom'
    for (let level = 0; level < 30; level += 1) deep = { deep }
    const twice = { n: 1 }
    log.info({ circle, deep, big: 10n, run: () => 1, when: new Date(0), twice, again: twice })
    expect(last()).toMatchObject({
      circle: { self: '[circular]' },
      big: '10',
      run: '[function]',
      when: '1970-01-01T00:00:00.000Z',
      twice: { n: 1 },
      again: { n: 1 },
    })
    expect(JSON.stringify(last())).toContain('[too deep]')
  })

  it('says that a secret field was there or not', () => {
    const { log, last } = logger()
    log.info({ password: HIDDEN, token: '', cookie: null, pin: Secret.of(HIDDEN) })
    expect(last()).toMatchObject({
      password: '[secret]',
      token: '',
      cookie: null,
      pin: '[secret]',
    })
  })
})

describe('on a terminal', () => {
  it('a line is short, and the fields follow the message', () => {
    const { log, lines } = logger({ human: true })
    log.warn({ route: 'apps.list', note: 'two words', ms: 3 }, 'slow')
    expect(lines).toEqual([
      expect.stringMatching(
        /^\d\d:\d\d:\d\d warn {2}slow route=apps\.list note="two words" ms=3\n$/,
      ),
    ])
  })

  it('an error shows its stack and causes, indented', () => {
    const { log, lines } = logger({ human: true })
    log.error({ err: new Error('broken', { cause: new Error('why') }) }, 'failed')
    expect(lines.join()).toMatch(/error failed\n {4}Error: broken\n/)
    expect(lines.join()).toContain('    caused by: Error: why\n')
  })

  it('no text can forge a line or drive the terminal', () => {
    const { log, lines } = logger({ human: true })
    const attack = 'x\r\n12:00:00 info forged\u001b[2J\u009b31m\u2028\u202e'
    log.error({ user: attack, [attack]: 'y', err: new Error(attack) }, attack)
    const shown = lines.join('')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    expect(shown).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u202e]/)
    expect(shown.split('\n').filter((line) => line.startsWith('12:00:00'))).toEqual([])
  })
})
