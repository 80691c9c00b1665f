import { spawnSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../command-table.ts'
import { newPerson } from '../testing/person.ts'
import { LAUNCHER, runConvox } from '../testing/run-convox.ts'
import { temporaryFolder } from '../testing/temporary-folder.ts'

/** A folder for PATH with a `convox` that is the real one. */
function withConvox(): { HOME: string; PATH: string } {
  const folder = temporaryFolder()
  const program = join(folder, 'convox')
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${LAUNCHER}' "$@"\n`)
  chmodSync(program, 0o755)
  return { HOME: folder, PATH: [folder, process.env.PATH ?? ''].join(delimiter) }
}

function shell(program: string, args: string[]): string[] {
  const ran = spawnSync(program, args, { env: withConvox(), encoding: 'utf8', timeout: 60_000 })
  expect(ran.stderr).toBe('')
  expect(ran.status).toBe(0)
  return ran.stdout.split('\n').filter((line) => line !== '')
}

/** CI asks for all of them, and then their absence is a failure. */
function isAbsent(program: string): boolean {
  const required = (process.env.REQUIRE ?? '').split(',').includes(program)
  return !required && spawnSync(program, ['-c', 'true']).status !== 0
}

/** What bash offers for the last word of a line, once it has read the script as a user would. */
function inBash(...words: string[]): string[] {
  const script =
    'source <(convox completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); ' +
    `_convox; printf "%s\\n" "\${COMPREPLY[@]}"`
  return shell('bash', ['-c', script, 'bash', 'convox', ...words]).sort()
}

const FIRST = [...new Set(Object.keys(COMMANDS).map((name) => name.split(' ')[0] ?? ''))]

/** The same questions for every shell: the words typed, and what must be among the answers. */
const LINES: [string[], string[]][] = [
  [[''], [...FIRST, 'help']],
  [['instances', 's'], ['ssh']],
  [
    ['rack', 'st'],
    ['start', 'stop'],
  ],
  [
    ['completion', ''],
    ['bash', 'fish', 'zsh'],
  ],
  [['help', 'exit'], ['exit-codes']],
  [
    ['login', '--pass'],
    ['--password', '--password-stdin'],
  ],
]

describe.skipIf(isAbsent('bash'))('completion in bash', () => {
  it.each(LINES)('offers for %j: %j', (typed, offered) => {
    expect(inBash(...typed)).toEqual(offered.toSorted())
  })

  it('offers the options of the command, wherever options stand before it', () => {
    expect(inBash('--no-input', 'racks', '--j')).toEqual(['--json'])
    expect(inBash('-r', 'acme/dev', 'instances', '--')).toEqual(
      ['--debug', '--help', '--host', '--json', '--no-color', '--no-input', '--rack'].sort(),
    )
  })

  it('offers nothing of ours for what it cannot know, and never fails', () => {
    for (const typed of [
      ['login', ''],
      ['nonsense', ''],
      ['instances', 'ssh', 'i'],
      ['$(exit)', ''],
    ]) {
      expect(inBash(...typed).filter((word) => word.startsWith('$'))).toEqual([])
    }
  })
})

describe.skipIf(isAbsent('zsh'))('completion in zsh', () => {
  it.each(LINES)('offers for %j: %j', (typed, offered) => {
    // In the place of the line editor's own functions, which need a terminal.
    const script =
      `compdef() { :; }; _files() { :; }; _describe() { print -l -- "\${(@P)2}"; }; ` +
      'source <(convox completion zsh); words=(convox "$@"); CURRENT=$#words; _convox'
    const all = shell('zsh', ['-fc', script, 'zsh', ...typed]).map((line) => line.split(':')[0])
    expect(all).toEqual(expect.arrayContaining(offered))
  })
})

describe.skipIf(isAbsent('fish'))('completion in fish', () => {
  it.each(LINES)('offers for %j: %j', (typed, offered) => {
    const script = 'convox completion fish | source; complete -C "convox $argv"'
    const all = shell('fish', ['--no-config', '-c', script, ...typed])
    expect(all.map((line) => line.split('\t')[0])).toEqual(expect.arrayContaining(offered))
  })
})

describe('convox completion', () => {
  it('prints a script and makes no file', async () => {
    const ann = newPerson()
    for (const name of ['bash', 'zsh', 'fish']) {
      const ran = await ann.run(['completion', name])
      expect(ran).toMatchObject({ status: 0, stderr: '' })
      for (const word of FIRST) expect(ran.stdout).toContain(word)
    }
    expect(ann.stored('.')).toBeUndefined()
  })

  it.each(['', 'powershell', 'constructor', '__proto__', 'BASH', 'x'.repeat(1000)])(
    'ends with 2 for a shell that it does not know: %j',
    async (name) => {
      const ran = await runConvox(['completion', name], { env: { HOME: '/nowhere' } })
      expect([ran.status, ran.stdout]).toEqual([2, ''])
      expect(ran.stderr).toContain('bash, zsh and fish')
    },
  )
})
