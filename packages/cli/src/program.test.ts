import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from './command-table.ts'
import { newPerson } from './testing/person.ts'
import { LAUNCHER, runConvox } from './testing/run-convox.ts'

const NAMES = Object.keys(COMMANDS)

describe('help', () => {
  it.each([[[]], [['-h']], [['--help']], [['help']]])('is what convox %j prints', async (args) => {
    const ran = await runConvox(args)
    expect([ran.status, ran.stderr]).toEqual([0, ''])
    for (const name of NAMES) expect(ran.stdout).toContain(`  ${name} `)
    expect(ran.stdout).toContain('$ convox login')
  })

  it.each(NAMES)('of %s is the same however it is asked for', async (name) => {
    const words = name.split(' ')
    const forms = [
      ['help', ...words],
      [...words, '-h'],
      [...words, '--help'],
      ['-h', ...words],
    ]
    const [first, ...others] = await Promise.all(forms.map((form) => runConvox(form)))
    expect(first).toMatchObject({ status: 0, stderr: '' })
    expect(first?.stdout).toMatch(new RegExp(`^Usage: convox ${name}\\b`))
    expect(first?.stdout).toContain('--rack')
    for (const other of others) expect(other).toEqual(first)
  })

  it('ends with where to read more, in files that are there', async () => {
    const { stdout } = await runConvox(['help'])
    const paths = [...stdout.matchAll(/\/[^\s,]+\.md/g)].map(([path]) => path)
    expect(paths.map((path) => path.split('/').at(-1))).toEqual(['README.md', 'reference.md'])
    for (const path of paths) expect(existsSync(path), path).toBe(true)
    for (const named of ['CONTRIBUTING.md', 'SECURITY.md']) {
      expect(stdout.trimEnd().split('\n').at(-1)).toContain(named)
      expect(existsSync(String(paths[0]).replace('README.md', named))).toBe(true)
    }
  })

  it('has topics', async () => {
    expect((await runConvox(['help', 'exit-codes'])).stdout).toContain('130')
    expect((await runConvox(['help', 'environment'])).stdout).toContain('CONVOX_CONFIG')
    expect((await runConvox(['help', 'files'])).stdout).toContain('fingerprints')
    expect((await runConvox(['help'])).stdout).toMatch(/environment.*exit-codes.*files/)
  })

  it('loads neither the schema library nor the client', async () => {
    const traced = spawnSync(process.execPath, [LAUNCHER, 'help'], {
      env: { NODE_DEBUG: 'esm', HOME: '/nowhere' },
      encoding: 'utf8',
    })
    expect(traced.stdout).toContain('convox login')
    expect(traced.stderr).toContain('dist/program.js')
    for (const heavy of ['zod', 'node_modules/ws', 'protocol/dist/client', 'commander']) {
      expect(traced.stderr).not.toContain(heavy)
    }
  })
})

describe('a line that makes no sense', () => {
  it.each([
    ['lgoin', 'did you mean: convox login'],
    ['instances shs', 'did you mean: convox instances ssh'],
    ['instances nope', 'see: convox help instances\n'],
    ['rack rack', 'see: convox help rack\n'],
    ['rack acces key rotate', 'did you mean: convox rack access\n'],
    ['help rack nope', 'see: convox help rack\n'],
    ['xyzzy', 'see: convox help'],
    ['help xyzzy', 'see: convox help'],
    ['xyzzy --help', 'see: convox help'],
    ['--what', 'see|run: convox help'],
    ['login', "missing required argument 'host'; see: convox help login"],
    ['racks --jsno', 'did you mean --json'],
    ['racks extra', 'there is no command "racks extra"'],
    ['switch a b', 'see: convox help switch'],
    ['racks -r', 'see: convox help racks'],
    ['login a --host b', 'two hosts'],
    ['login a -p x --password-stdin', 'give one'],
    ['constructor', 'there is no command'],
    ['login https://convox:secret@example.com', '--password-stdin'],
  ])('ends with 2: convox %s', async (line, text) => {
    const ran = await runConvox(line.split(' '), { env: { HOME: '/nowhere' } })
    expect([ran.status, ran.stdout]).toEqual([2, ''])
    expect(ran.stderr).toMatch(/^ERROR: .+\n$/)
    expect(ran.stderr).toMatch(new RegExp(text))
    expect(ran.stderr).not.toContain('secret')
  })
})

describe('the options of every command', () => {
  it('--no-input fails where otherwise a terminal would be asked', async () => {
    const at = newPerson().sit(['login', 'localhost:1', '--no-input'])
    const ended = await at.ended
    expect(ended.status).toBe(1)
    expect(ended.shown).toContain('--password-stdin')
    expect(ended.shown).not.toContain('Password:')
  })

  it.each([
    [[], {}, true],
    [['--no-color'], {}, false],
    [[], { NO_COLOR: '1' }, false],
    [[], { NO_COLOR: '' }, true],
    [[], { TERM: 'dumb' }, false],
  ])('colour at a terminal, with %j and %j: %j', async (flags, env, coloured) => {
    const { shown } = await newPerson().sit(['racks', ...flags], { env }).ended
    expect(shown.includes('\u001b[31mERROR:')).toBe(coloured)
    expect(shown).toContain('ERROR:')
  })

  it('--no-color holds for a line that makes no sense, too', async () => {
    const { shown } = await newPerson().sit(['rack', 'nope', '--no-color']).ended
    expect(shown).toContain('ERROR: there is no command')
    expect(shown).not.toContain('\u001b[31m')
  })

  it('stand before the command or behind it', async () => {
    for (const line of [
      ['--no-color', '--no-input', 'racks'],
      ['racks', '--no-input', '--no-color'],
    ]) {
      expect((await newPerson().run(line)).status).toBe(4)
    }
  })
})

describe('the version', () => {
  it('is printed without any network or file', async () => {
    for (const args of [['version'], ['--version']]) {
      const ran = await runConvox(args, { env: { HOME: '/nowhere' } })
      expect(ran).toEqual({ status: 0, stdout: 'convox 0.1.0\n', stderr: '' })
    }
  })
})
