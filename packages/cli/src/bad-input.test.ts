import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { COMMANDS } from './command-table.ts'
import { type Environment, readEnvironment } from './config.ts'
import { createContext } from './context.ts'
import { defineCommand } from './define-command.ts'
import { parseInstalledName } from './installed/installed-rack.ts'
import { Terminal } from './terminal.ts'
import { KEY } from './testing/person.ts'
import { type Ran, runConvox } from './testing/run-convox.ts'
import { runHere } from './testing/run-here.ts'
import { makeTemporaryFolder } from './testing/temporary-folder.ts'
import { consoleBehaviour, startServer, type TestServer } from './testing/test-server.ts'

const HUGE = 'x'.repeat(100_000)
const EXIT_MARKER = 'F1E49A85-0AD7-4AEF-A618-C249C6E6568D:0\n'
/** Longer than any answer to a line that makes no sense has a reason to be. */
const SAID_LENGTH_MAX = 6_000

let server: TestServer
let folder: { path: string; remove(): void }
let loggedIn: Environment
let loggedOut: Environment

beforeAll(async () => {
  const state = { keys: new Map([[KEY, 'ann@example.com']]), racks: [RACK] }
  server = await startServer({
    ...consoleBehaviour(state),
    socket: (ws, { path }) => {
      if (path.endsWith('/shell')) ws.send(EXIT_MARKER, { binary: false })
      ws.send(Buffer.alloc(0), { binary: true }, () => ws.terminate())
    },
  })
  folder = makeTemporaryFolder()
  // No host that is drawn is looked for on a network: a proxy that is not there answers for all.
  const env = { HTTPS_PROXY: 'http://127.0.0.1:1', CONVOX_CONFIG: join(folder.path, 'ann') }
  loggedIn = readEnvironment(env, folder.path)
  loggedOut = readEnvironment({ ...env, CONVOX_CONFIG: join(folder.path, 'nobody') }, folder.path)
  const login = ['login', server.host, '-p', KEY, '--fingerprint', server.fingerprint]
  expect(await runHere(login, loggedIn)).toMatchObject({ status: 0 })
})

afterAll(async () => {
  await server.close()
  folder.remove()
})

const RACK = { name: 'acme/dev', status: 'running' }

const word = fc.oneof(
  fc.constantFrom('', ' ', '--', '-', '-1', '--unknown', '--json=1', '-rx', '--rack=', '--host='),
  fc.constantFrom('--rack', '-r', '--host', '--json', '--force', '--help=x', '-hh', '--no-json'),
  fc.constantFrom(HUGE, `--${HUGE}`, `-r${HUGE}`, `--rack=${HUGE}`, 'é'.repeat(50_000)),
  fc.constantFrom('\u001b[2J\u001b]0;x\u0007', '--\u001b[31m', 'a\r\nb', '\u009b1m', '\u202egnp'),
  fc.constantFrom(
    '../../etc',
    '%s%n',
    '$(id)',
    "'",
    '"',
    '\\',
    '0',
    '1e9',
    '-0',
    'NaN',
    'K=V',
    '=',
  ),
  fc.constantFrom('acme/dev', 'i-1', 'localhost:1', 'http://127.0.0.1:1', 'example.invalid', '☂'),
  fc.constantFrom('constructor', '__proto__', 'toString', 'true', 'null', '{}', '[]', '🙂'),
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
)

function definitionOf(name: string) {
  const terminal = new Terminal(process, { colour: false })
  return defineCommand(name, createContext(terminal, loggedOut))
}

async function optionsOf(name: string): Promise<string[]> {
  const { options } = await definitionOf(name)
  return options.flatMap(({ long, short }) => [long, short].filter((flag) => flag !== undefined))
}

/** A Rack would really be installed. */
function wouldInstall(name: string, words: readonly string[]): boolean {
  if (!/^(rack )?install$/.test(name)) return false
  return words.some((text) => {
    try {
      return parseInstalledName(text.replace(/^--name=/, '')) !== ''
    } catch {
      return false
    }
  })
}

/** Every file of the folder with its content and its mode. */
function snapshot(path: string): string {
  try {
    const names = readdirSync(path).toSorted()
    return names
      .map((name) => {
        const at = join(path, name)
        const { mode } = statSync(at)
        return `${name} ${mode} ${statSync(at).isFile() ? readFileSync(at, 'utf8') : ''}`
      })
      .join('\n')
  } catch {
    return 'not there'
  }
}

/** What holds for every line that anybody may type. */
function expectDecent({ status, stdout, stderr }: Ran, line: string): void {
  expect([0, 1, 2, 4], line).toContain(status)
  expect(stderr, line).not.toMatch(/mistake in convox|^ {4}at /m)
  // Nothing that a terminal would obey, and nothing that turns the direction of writing.
  expect(stdout + stderr, line).not.toMatch(/(?![\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069]/u)
  expect(stdout + stderr, line).not.toContain(KEY)
  expect(stderr.length, line).toBeLessThan(SAID_LENGTH_MAX)
  // What they found is on stdout.
  if (status === 0 || /^convox \["(doctor|auth)"/.test(line)) return
  expect(stderr, line).toMatch(/(^|\n)ERROR: [^\n]/)
  if (status === 2) {
    expect(stdout, line).toBe('')
    // What is wrong, and behind a semicolon what to do about it.
    expect(stderr, line).toMatch(/^ERROR: .+; .+\n$/s)
  }
}

function shown(argv: readonly string[]): string {
  const words = argv.map((text) => (text.length > 60 ? `${text.slice(0, 60)}…` : text))
  return `convox ${JSON.stringify(words)}`
}

describe('whatever is typed', () => {
  it.each(Object.keys(COMMANDS))('behind convox %s', async (name) => {
    const options = await optionsOf(name)
    const flag = fc.constantFrom(...options)
    const part = fc.oneof(
      { weight: 3, arbitrary: word.map((text) => [text]) },
      { weight: 1, arbitrary: flag.map((text) => [text]) },
      { weight: 1, arbitrary: fc.tuple(flag, word).map((pair) => pair) },
      { weight: 1, arbitrary: fc.tuple(flag, word).map(([text, value]) => [`${text}=${value}`]) },
      { weight: 1, arbitrary: fc.tuple(flag, word).map(([text, value]) => [text, value, text]) },
    )
    const line = fc.array(part, { maxLength: 4 }).map((parts) => parts.flat())
    const setting = fc.boolean().map((known) => (known ? loggedIn : loggedOut))
    await fc.assert(
      fc.asyncProperty(line, setting, async (words, environment) => {
        // `auth token` is there to print the key, and `-p` to be told one.
        fc.pre(!wouldInstall(name, words))
        const argv = [...name.split(' '), ...words]
        const before = snapshot(environment.configFolder)
        const ran = await runHere(argv, environment)
        const said = name === 'auth token' ? { ...ran, stdout: ran.stdout.replace(KEY, '') } : ran
        expectDecent(said, shown(argv))
        if (ran.status === 2) expect(snapshot(environment.configFolder)).toBe(before)
      }),
      { numRuns: 40 },
    )
  })

  it('instead of a command', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 4 }), async (argv) => {
        fc.pre(!wouldInstall('install', argv))
        const before = snapshot(loggedIn.configFolder)
        expectDecent(await runHere(argv, loggedIn), shown(argv))
        expect(snapshot(loggedIn.configFolder)).toBe(before)
      }),
      { numRuns: 200 },
    )
  })
})

describe('what is wrong with a line is named, and the page that says what is right', () => {
  it.each(Object.keys(COMMANDS))('for convox %s', async (name) => {
    const words = name.split(' ')
    const { options, registeredArguments } = await definitionOf(name)
    const refused = async (argv: string[], named: string): Promise<void> => {
      const ran = await runHere([...words, ...argv], loggedOut)
      expect([ran.status, ran.stdout], shown(argv)).toEqual([2, ''])
      expect(ran.stderr, shown(argv)).toContain(named)
      expect(ran.stderr, shown(argv)).toMatch(/; (see: convox help|did you mean)/)
    }
    // An option that is missing is told first.
    const missing = options.find(({ mandatory }) => mandatory)?.long
    await refused(['--no-such-option'], missing ?? "'--no-such-option'")
    for (const { long, required } of options) {
      if (long && required) await refused([long], long)
      else if (long) await refused([`${long}=x`], missing ?? `'${long}=x'`)
    }
    if (missing !== undefined) return
    for (const [index, argument] of registeredArguments.entries()) {
      if (argument.required) await refused(Array(index).fill('x'), `'${argument.name()}'`)
    }
    if (registeredArguments.some(({ variadic }) => variadic)) return
    const tooMany = Array(registeredArguments.length + 1).fill('-')
    await refused(tooMany, registeredArguments.length === 0 ? '' : 'too many arguments')
  })
})

describe('the same through the real command', () => {
  it.each([
    ['a huge command', [HUGE]],
    ['a huge option', [`--${HUGE}`]],
    ['a huge host', ['login', HUGE, '-p', 'x']],
    ['an option that clears the screen', ['racks', '--\u001b[2J']],
    ['a Rack that turns the direction of writing', ['switch', '\u202e\u001b]0;x\u0007']],
    ['a huge value', ['rack', 'logs', '--since', HUGE]],
    ['a parameter without a name', ['rack', 'params', 'set', '=', '--']],
    ['an instance without a name', ['instances', 'ssh', '', '--']],
    ['a name of another kind', ['deploy-keys', 'create', '🙂', '--expires', '-1']],
    ['the end of the options', ['--', 'racks']],
  ])('%s', async (_what, argv) => {
    const env = { HOME: folder.path, HTTPS_PROXY: 'http://127.0.0.1:1' }
    const ran = await runConvox(argv, { env })
    expectDecent(ran, shown(argv))
    expect(ran.status).not.toBe(0)
    expect(readdirSync(folder.path)).not.toContain('.convox')
  })
})
