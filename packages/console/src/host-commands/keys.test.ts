import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, vi } from 'vitest'
import { openRackKey } from '../racks/open-rack-key.ts'
import { entry, founder, openDomain, testFolder } from '../testing/console-domain.ts'
import { ConsoleProcess, post, tryKey } from '../testing/console-process.ts'
import { runHostCommand } from '../testing/run-host-command.ts'
import { addSealedRacks } from '../vault/testing/sealed-racks.ts'

vi.setConfig({ testTimeout: 120_000 })

const PROGRAM = fileURLToPath(new URL('../../bin/keyrack-console.js', import.meta.url))
const RACKS = 250

async function stoppedConsole(racks = RACKS) {
  const folder = testFolder()
  const domain = await openDomain(folder)
  const ada = await founder(domain)
  const keys = await addSealedRacks(domain, ada.organization.id, racks)
  await domain.close()
  const run = (...args: string[]) => runHostCommand(args, { DATA_DIR: folder })
  /** How many Racks a start can open the very key of. */
  const openable = async () => {
    const opened = await openDomain(folder)
    const racksNow = opened.directory.racksOf(entry(opened, ada.id))
    const good = racksNow.filter(
      (rack) => openRackKey(opened.keyring, rack).reveal() === keys.get(rack.id)?.reveal(),
    )
    await opened.close()
    return good.length
  }
  return { folder, domain, ada, run, openable }
}

describe('keyrack-console keys rotate', () => {
  it('killed at any moment loses nothing, and goes on when it is run again', async () => {
    const { folder, run, openable } = await stoppedConsole()
    for (const after of [2, 102]) {
      const child = spawn(process.execPath, [PROGRAM, 'keys', 'rotate'], {
        env: { PATH: process.env.PATH, DATA_DIR: folder },
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      const ended = once(child, 'exit')
      let said = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said += text
        const done = Number(/sealed anew: (\d+) of/.exec(said.split('\n').at(-2) ?? '')?.[1] ?? -1)
        if (done >= after) child.kill('SIGKILL')
      })
      expect(await ended).toEqual([null, 'SIGKILL'])
      expect(await openable()).toBe(RACKS)
    }
    expect(await run('keys', 'verify')).toMatchObject({ status: 0 })
    const last = await run('keys', 'rotate')
    expect(last).toMatchObject({ status: 0 })
    expect(last.stdout).toContain('finished an earlier rotation')
    expect(last.stdout.match(/old key unused: [0-9a-f]{16}/g)).toHaveLength(1)
    expect(
      readdirSync(join(folder, 'console', 'keys')).filter((f) => f.endsWith('.key')),
    ).toHaveLength(2)
    expect(await openable()).toBe(RACKS)
  })

  it('on a disk that takes no more fails with a sentence, and goes on later', async () => {
    const { folder, run, openable } = await stoppedConsole()
    const limited = spawn(
      'bash',
      ['-c', 'trap "" XFSZ; ulimit -f 300; exec "$0" "$1" keys rotate', process.execPath, PROGRAM],
      { env: { PATH: process.env.PATH, DATA_DIR: folder }, stdio: ['ignore', 'ignore', 'pipe'] },
    )
    let said = ''
    limited.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    expect(await once(limited, 'close')).toEqual([1, null])
    expect(said).toContain('ERROR: the database cannot be used')
    expect(await openable()).toBe(RACKS)
    expect(await run('keys', 'rotate')).toMatchObject({ status: 0 })
    expect(await run('keys', 'verify')).toMatchObject({ status: 0 })
  })

  it('through the running server makes it use the new key at once; a second one joins', async () => {
    const folder = testFolder()
    const server = new ConsoleProcess(folder, { HOST: '0.0.0.0' })
    const url = await server.url()
    const ada = {
      email: 'ada@example.com',
      password: 'nine purple lanterns drift',
      organization: 'acme',
    }
    const made = await post(url, '/api/sign-up', { ...ada, setup_token: server.setupToken })
    const run = (...args: string[]) => runHostCommand(args, { DATA_DIR: folder })
    const both = await Promise.all([run('keys', 'rotate'), run('keys', 'rotate')])
    expect(both.map(({ status }) => status)).toEqual([0, 0])
    const { stdout } = await run('keys', 'status', '--json')
    const { keys } = JSON.parse(stdout)
    expect(keys[0]).toMatchObject({ current: true, present: true, values: 3 })
    expect(keys.slice(1).every(({ values }: { values: number }) => values === 0)).toBe(true)
    for (const { id } of keys.slice(1)) {
      expect(await run('keys', 'retire', id)).toMatchObject({ status: 0, stderr: '' })
    }
    expect((await run('keys', 'retire', keys[0].id)).stderr).toContain('seals new values')
    expect(await tryKey(url, String(made.body.api_key))).toBe(200)
    expect((await run('keys', 'verify')).stdout).toContain('ok: everything')
    expect((await run('keys', 'verify', '--accept-rollback')).stderr).toContain('the server runs')
    await server.kill()
    const again = new ConsoleProcess(folder, { HOST: '0.0.0.0' })
    expect(await tryKey(await again.url(), String(made.body.api_key))).toBe(200)
  })
})

describe('keyrack-console keys verify', () => {
  it('lists what was changed or put back by table and row, and ends with 1', async () => {
    const { folder, domain, run } = await stoppedConsole(2)
    const opened = await openDomain(folder)
    await opened.store.transaction(async (tx) => {
      const set = (sealed: string) => ({ sealed_key: sealed })
      await tx.updateTable('racks').set(set('krs1.x')).where('id', '=', 'rack-0000').execute()
      await tx.updateTable('deploy_keys').set({ hash: 'x' }).execute()
    })
    await opened.close()
    const found = await run('keys', 'verify')
    expect(found.status).toBe(1)
    expect(found.stdout).toMatch(/^failed {2}racks\/rack-0000 {2}sealed_key does not open/m)
    expect(found.stdout).toMatch(/^failed {2}racks\/rack-0000 {2}was changed by somebody else/m)
    expect(found.stdout).not.toContain('rack-0001')
    expect(domain.config.anchorFile).toContain(folder)
  })

  it('accepts an older database when told to, after which what was newer cannot come back', async () => {
    const { folder, run } = await stoppedConsole(1)
    const db = join(folder, 'console', 'db')
    const backup = join(folder, 'old')
    expect((await run('backup', backup)).status).toBe(0)
    await run('keys', 'rotate')
    renameSync(db, `${db}.newer`)
    const away = join(folder, 'elsewhere')
    const elsewhere = {
      DATA_DIR: away,
      KEY_DIR: join(folder, 'console', 'keys'),
      ANCHOR_FILE: join(away, 'anchor'),
    }
    expect((await runHostCommand(['restore', backup], elsewhere)).status).toBe(0)
    renameSync(join(away, 'console', 'db'), db)
    const refused = await run('keys', 'status')
    expect([refused.status, refused.stderr]).toEqual([
      1,
      expect.stringContaining('--accept-rollback'),
    ])
    const found = await run('keys', 'verify')
    expect([found.status, found.stdout]).toEqual([1, expect.stringContaining('the database')])
    expect(await run('keys', 'verify', '--accept-rollback')).toMatchObject({
      status: 0,
      stderr: '',
    })
    expect(await run('keys', 'verify')).toMatchObject({ status: 0 })
    renameSync(`${db}.newer`, db)
    expect((await run('keys', 'verify')).status).toBe(1)
  })
})

describe('keyrack-console keys', () => {
  it.each([
    [[], 'keys has no command ""'],
    [['rotat'], 'keys has no command "rotat"'],
    [['rotate', '--force'], 'not understood'],
    [['retire', '../../etc/passwd'], 'say which master key'],
    [['status'], 'there is no Console in'],
    [['verify'], 'there is no Console in'],
  ])('refuses %j and makes nothing', async (args, text) => {
    const folder = testFolder()
    const run = await runHostCommand(['keys', ...args], { DATA_DIR: folder })
    expect([run.status, run.stdout]).toEqual([1, ''])
    expect(run.stderr).toContain(text)
    expect(readdirSync(folder)).toEqual([])
  })
})
