import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Terminal } from './terminal.ts'
import { KEY, newConsole, newPerson } from './testing/person.ts'
import { LAUNCHER, runAtTerminal, runConvox, startConvox } from './testing/run-convox.ts'

function inShell(line: string, env: Record<string, string> = {}) {
  return spawnSync('/bin/sh', ['-c', line, process.execPath, LAUNCHER], {
    env: { PATH: process.env.PATH, HOME: '/nowhere', ...env },
    encoding: 'utf8',
    // Nothing else could end it: while it runs, no timer of the test does.
    timeout: 60_000,
  })
}

describe('stdout', () => {
  it('whose reader has seen enough is no failure', async () => {
    const child = startConvox(['help'])
    child.stdout?.destroy()
    let stderr = ''
    child.stderr?.on('data', (data: Buffer) => {
      stderr += data.toString('utf8')
    })
    await once(child, 'close')
    expect([child.exitCode, stderr]).toEqual([0, ''])
  })

  it('that cannot be written is a failure', () => {
    const ran = inShell('"$0" "$1" help > /dev/full')
    expect(ran.status).toBe(1)
    expect(ran.stderr).toMatch(/^ERROR: the output cannot be written: ENOSPC.*\n$/)
  })

  it('can be closed, and so can stderr', () => {
    expect(inShell('"$0" "$1" help >&-').status).toBe(0)
    expect(inShell('"$0" "$1" xyzzy 2>&-').status).toBe(2)
  })
})

describe('stdin', () => {
  it('at a terminal is read without echo, too', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    const args = ['login', server.host, '--password-stdin', '--fingerprint', server.fingerprint]
    const terminal = ann.sit(args)
    await terminal.shows('Password: ')
    terminal.type(`${KEY}\r`)
    const { status, shown } = await terminal.ended
    expect(status).toBe(0)
    expect(shown).not.toContain(KEY)
  })
})

describe('progress', () => {
  function stderrOf(isTTY: boolean) {
    const stderr = Object.assign(new PassThrough(), { isTTY })
    const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr }
    return { stderr, terminal: new Terminal(streams, { colour: false }) }
  }

  it('shows at a terminal that it is still waiting', async () => {
    const { stderr, terminal } = stderrOf(true)
    let shown = ''
    const waited = new Promise<void>((resolve) => {
      stderr.on('data', (data: Buffer) => {
        shown += data.toString('utf8')
        if (shown === 'Waiting... ..') resolve()
      })
    })
    await terminal.progress('Waiting', () => waited)
    expect(shown).toBe('Waiting... .. OK\n')
  })

  it('is one plain line for a file, however long it takes, and tells a failure', async () => {
    const { stderr, terminal } = stderrOf(false)
    let shown = ''
    stderr.on('data', (data: Buffer) => {
      shown += data.toString('utf8')
    })
    await terminal.progress('Waiting', () => delay(1100))
    const failing = terminal.progress('Trying', async () => {
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(shown).toBe('Waiting... OK\nTrying... failed\n')
  })
})

describe('colour', () => {
  it('is for terminals that want it', async () => {
    const home = { HOME: '/nowhere' }
    const { shown } = await runAtTerminal(['xyzzy'], { env: home }).ended
    expect(shown).toContain('\u001b[31mERROR:')
    for (const env of [
      { ...home, NO_COLOR: '1' },
      { ...home, TERM: 'dumb' },
    ]) {
      expect((await runAtTerminal(['xyzzy'], { env }).ended).shown).not.toContain('\u001b')
    }
    expect((await runConvox(['xyzzy'], { env: home })).stderr).not.toContain('\u001b')
  })
})
