import { describe, expect, it } from 'vitest'
import { readCommandLine } from './command-line.ts'

const NAMES = {
  rack: {},
  'rack params': {},
  'rack params set': {},
  'rack access': {},
  'rack access key rotate': {},
  instances: {},
  'instances ssh': { passThrough: true as const },
  'instances terminate': {},
  invite: { argument: true as const },
  'invite accept': {},
}

function read(line: string) {
  return readCommandLine(line.split(' '), NAMES)
}

describe('a command line', () => {
  it.each([
    ['rack', 'rack', []],
    ['rack --json', 'rack', ['--json']],
    ['-r a/b rack --json', 'rack', ['-r', 'a/b', '--json']],
    ['--rack=a/b --host h rack', 'rack', ['--rack=a/b', '--host', 'h']],
    ['-ra/b rack', 'rack', ['-ra/b']],
    ['rack params --json', 'rack params', ['--json']],
    ['rack params set A=1 --wait', 'rack params set', ['A=1', '--wait']],
    ['rack -r a/b params --host h set A=1', 'rack params set', ['-r', 'a/b', '--host', 'h', 'A=1']],
    ['rack access --role read', 'rack access', ['--role', 'read']],
    ['rack access -r a/b key rotate', 'rack access key rotate', ['-r', 'a/b']],
    ['instances', 'instances', []],
    ['instances --json', 'instances', ['--json']],
    ['instances -r a/b terminate i-1', 'instances terminate', ['-r', 'a/b', 'i-1']],
    ['instances ssh i-1 -r a/b ls -r x', 'instances ssh', ['-r', 'a/b', 'i-1', 'ls', '-r', 'x']],
    ['instances ssh i-1 -- -r x', 'instances ssh', ['i-1', '--', '-r', 'x']],
    ['instances ssh --host h i-1', 'instances ssh', ['--host', 'h', 'i-1']],
    ['instances ssh -h', 'instances ssh', ['-h']],
    ['invite', 'invite', []],
    ['invite ann@example.com --role viewer', 'invite', ['ann@example.com', '--role', 'viewer']],
    ['invite accept', 'invite accept', []],
    ['-r a/b invite -r c/d accept', 'invite accept', ['-r', 'a/b', '-r', 'c/d']],
  ])('finds the command in: convox %s', (line, name, args) => {
    expect(read(line)).toEqual({ kind: 'command', name, args })
  })

  it.each([
    ['-h', []],
    ['help', []],
    ['-r a/b', []],
    ['help rack', ['rack']],
    ['help instances ssh', ['instances', 'ssh']],
    ['help rack -h', ['rack']],
    ['-h instances ssh', ['instances', 'ssh']],
    ['-h rack params set', ['rack', 'params', 'set']],
  ])('sees that help is asked for by: convox %s', (line, words) => {
    expect(read(line)).toEqual({ kind: 'help', words })
  })

  it.each([
    ['rck', 'convox rack'],
    ['instance', 'convox instances'],
    ['instances shs', 'convox instances ssh'],
    ['rack parms set', 'convox rack params'],
    ['rack params ste', 'convox rack params set'],
    ['rack params A=1', 'convox rack params set'],
    ['instances zzzzzz', 'convox help'],
    ['zzzzzz', 'convox help'],
  ])('suggests one command for: convox %s', (line, hint) => {
    expect(() => read(line)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining(hint) }),
    )
  })
})
