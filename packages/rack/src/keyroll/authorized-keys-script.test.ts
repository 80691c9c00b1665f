import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { generateSshKeyPair } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../testing/temporary-folder.ts'
import { authorizedKeysScript, readOutcome } from './authorized-keys-script.ts'

const shells = ['dash', 'bash', 'zsh', 'busybox'].filter(
  (shell) => spawnSync(shell, ['-c', ':']).error === undefined,
)
const SHELLS = new Map(
  ['/bin/sh', ...shells].map((shell) => [
    shell,
    shell === 'busybox'
      ? ['busybox', 'sh', '-s']
      : shell === 'zsh'
        ? ['zsh', '--emulate', 'sh', '-s']
        : [shell, '-s'],
  ]),
)

function line(generation: number): string {
  return generateSshKeyPair(`keyrack:${generation}`).publicKey
}

const OLD = line(1)
const NEW = line(2)

class Home {
  readonly path = temporaryFolder()
  readonly file = join(this.path, '.ssh', 'authorized_keys')

  constructor(content?: string | Buffer, mode = 0o600) {
    if (content === undefined) return
    mkdirSync(join(this.path, '.ssh'), { mode: 0o700 })
    writeFileSync(this.file, content)
    chmodSync(this.file, mode)
  }

  get content(): string {
    return readFileSync(this.file, 'latin1')
  }

  get files(): string[] {
    return readdirSync(join(this.path, '.ssh'))
  }

  run(
    change: { line: string; only: boolean },
    { shell = ['/bin/sh', '-s'], cut = 0, before = '' } = {},
  ) {
    const script = authorizedKeysScript(change)
    const [file = '', ...args] = shell
    const ran = spawnSync(file, args, {
      env: { HOME: this.path, PATH: process.env.PATH },
      cwd: '/',
      input: before + script.slice(0, script.length - cut),
      encoding: 'latin1',
    })
    return { outcome: readOutcome(ran.stdout), stderr: ran.stderr }
  }
}

describe.each([...SHELLS])('the change of authorized_keys, run by %s', (_name, shell) => {
  const run = (home: Home, only: boolean) => home.run({ line: NEW, only }, { shell })

  it('adds our line after those that are there, once', () => {
    const home = new Home(`# mine\n${OLD}\n`)
    for (let time = 0; time < 2; time++) {
      expect(run(home, false)).toEqual({ outcome: 'ok', stderr: '' })
      expect(home.content).toBe(`# mine\n${OLD}\n${NEW}\n`)
    }
    expect(home.files).toEqual(['authorized_keys'])
  })

  it('removes our other lines and nothing that belongs to others', () => {
    const others = [
      '# keyrack:1 is theirs',
      'ssh-ed25519 AAAAC3 ann@example.com',
      `from="10.0.0.0/8" ${OLD}`,
      `${OLD} and more`,
      'ssh-ed25519 AAAAC3 keyrack:',
      'ssh-ed25519 AAAAC3 keyrack:1x',
      'ssh-ed25519 AAAAC3 notkeyrack:1',
      'ssh-rsa AAAAB3 keyrack:1',
      '$(touch pwned) `touch pwned` \' " \\ \\n -n * ',
      '\tspaces  stay   ',
      'gr\xfc\xdfe \xff\xfe',
      '',
      'crlf\r',
      '-e',
    ]
    const home = new Home(Buffer.from([OLD, ...others, line(7), NEW].join('\n'), 'latin1'))
    expect(run(home, true)).toEqual({ outcome: 'ok', stderr: '' })
    expect(home.content).toBe(`${[...others, NEW].join('\n')}\n`)
    expect(readdirSync(home.path)).toEqual(['.ssh'])
  })

  it('ends a last line that had no end before it adds ours', () => {
    const home = new Home(OLD)
    expect(run(home, false).outcome).toBe('ok')
    expect(home.content).toBe(`${OLD}\n${NEW}\n`)
  })

  it('makes folder and file where there are none, for nobody else to read', () => {
    const home = new Home()
    expect(run(home, false).outcome).toBe('ok')
    expect(home.content).toBe(`${NEW}\n`)
    expect(statSync(home.file).mode & 0o777).toBe(0o600)
    expect(statSync(join(home.path, '.ssh')).mode & 0o777).toBe(0o700)
  })

  it.each(['600', '644', '400'])('keeps the mode %s', (octal) => {
    const mode = Number.parseInt(octal, 8)
    const home = new Home(`${OLD}\n`, mode)
    expect(run(home, true).outcome).toBe('ok')
    expect(home.content).toBe(`${NEW}\n`)
    expect(statSync(home.file).mode & 0o777).toBe(mode)
  })

  it('does nothing when it is cut off anywhere', () => {
    const length = authorizedKeysScript({ line: NEW, only: true }).length
    for (let cut = 2; cut < length; cut += 211) {
      const home = new Home(`${OLD}\n`)
      const { outcome } = home.run({ line: NEW, only: true }, { shell, cut })
      expect(outcome).toBeUndefined()
      expect(home.content).toBe(`${OLD}\n`)
      expect(home.files).toEqual(['authorized_keys'])
    }
  })

  it('changes nothing and says so when the content cannot be written', () => {
    const home = new Home(`${OLD}\n`)
    const before = "trap '' XFSZ\nulimit -f 0\n"
    expect(home.run({ line: NEW, only: true }, { shell, before }).outcome).toBe('disk-full')
    expect(home.content).toBe(`${OLD}\n`)
    expect(home.files).toEqual(['authorized_keys'])
  })
})

describe('the change of authorized_keys', () => {
  it('follows a link and leaves it a link', () => {
    const home = new Home()
    mkdirSync(join(home.path, '.ssh'), { mode: 0o700 })
    const kept = join(home.path, 'kept')
    writeFileSync(kept, `${OLD}\n`)
    symlinkSync(kept, home.file)
    expect(home.run({ line: NEW, only: true }).outcome).toBe('ok')
    expect(lstatSync(home.file).isSymbolicLink()).toBe(true)
    expect(readFileSync(kept, 'utf8')).toBe(`${NEW}\n`)
  })

  it('replaces what an interrupted one left behind', () => {
    const home = new Home(`${OLD}\n`)
    writeFileSync(`${home.file}.keyrack`, 'half a li')
    expect(home.run({ line: NEW, only: false }).outcome).toBe('ok')
    expect(home.content).toBe(`${OLD}\n${NEW}\n`)
    expect(home.files).toEqual(['authorized_keys'])
  })

  it('says so where there is no home, or no way to write', () => {
    const home = new Home()
    writeFileSync(join(home.path, '.ssh'), 'a file')
    expect(home.run({ line: NEW, only: false }).outcome).toBe('cannot-write')
    const none = new Home()
    const gone = { ...none, path: join(none.path, 'gone') }
    expect(
      none.run.call(Object.assign(Object.create(Home.prototype), gone), { line: NEW, only: false })
        .outcome,
    ).toBe('no-home')
    expect(existsSync(gone.path)).toBe(false)
  })

  it('takes no line that is not one of ours', () => {
    for (const bad of [
      `${NEW}\n${OLD}`,
      "x' ; rm -rf /",
      `${NEW} more`,
      '',
      'ssh-ed25519 A mine',
    ]) {
      expect(() => authorizedKeysScript({ line: bad, only: false })).toThrow(TypeError)
    }
  })

  it('is believed only when its last word is known', () => {
    expect(readOutcome('motd\nkeyrack: disk-full\nkeyrack: ok\n')).toBe('ok')
    for (const output of ['', 'ok\n', 'keyrack: ok', 'keyrack: toString\n', 'x keyrack: ok\n']) {
      expect(readOutcome(output.replace('keyrack: ok', 'keyrack: okay'))).toBeUndefined()
    }
  })
})
