import {
  chmodSync,
  existsSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openDomain, testFolder } from '../testing/console-domain.ts'
import { runHostCommand } from '../testing/run-host-command.ts'

vi.setConfig({ testTimeout: 60_000 })

const PORTS = { PORT: '0', TLS_PORT: '0', OPERATOR_PORT: '0' }

/** A data folder as a stopped server leaves it. */
async function stopped(): Promise<string> {
  const folder = testFolder()
  const domain = await openDomain(folder)
  await domain.close()
  return folder
}

async function doctor(folder: string, env: Record<string, string> = {}) {
  const run = await runHostCommand(['doctor'], { DATA_DIR: folder, ...PORTS, ...env })
  const failed = run.stdout.split('\n').filter((line) => line.startsWith('failed'))
  return { ...run, failed }
}

/** There is the anchor, too, in no certain order. */
function keyFileIn(folder: string): string {
  return readdirSync(folder).find((name) => name.endsWith('.key')) ?? 'no key'
}

describe('keyrack-console doctor', () => {
  it('finds nothing wrong before the first start, and makes nothing', async () => {
    const folder = testFolder()
    const run = await doctor(folder)
    expect([run.status, run.failed, run.stderr]).toEqual([0, [], ''])
    expect(readdirSync(folder)).toEqual([])
  })

  it('finds nothing wrong with what a stopped server left, line by line', async () => {
    const run = await doctor(await stopped())
    expect([run.status, run.failed]).toEqual([0, []])
    const names = run.stdout.match(/(?<=^ok {6}).{13}/gm)?.map((name) => name.trim())
    expect(names).toEqual([
      ...['settings', 'file modes', 'server', 'ports', 'certificate'],
      ...['database', 'master key', 'local Rack'],
    ])
  })

  it('names a wrong setting', async () => {
    const run = await doctor(testFolder(), { PORT: 'eighty' })
    expect([run.status, run.failed]).toEqual([1, [expect.stringContaining('settings')]])
    expect(run.stdout).toContain('PORT')
  })

  it('names a port that is taken, and its variable', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? String(address.port) : ''
    const run = await doctor(await stopped(), { OPERATOR_PORT: port })
    expect(run.status).toBe(1)
    expect(run.failed).toEqual([
      `failed  ports          port ${port} is taken; set OPERATOR_PORT to another one`,
    ])
  })

  it('names what other users can read, and changes nothing about it', async () => {
    const folder = await stopped()
    const keys = join(folder, 'console', 'keys')
    const file = keyFileIn(keys)
    const path = join(keys, file)
    chmodSync(path, 0o644)
    for (const _ of [1, 2]) {
      const run = await doctor(folder)
      expect(run.failed).toEqual([
        `failed  file modes     ${path} can be used by other users; run: chmod 600 ${path}`,
      ])
    }
  })

  it('says which master key is missing', async () => {
    const folder = await stopped()
    const keys = join(folder, 'console', 'keys')
    const file = keyFileIn(keys)
    renameSync(join(keys, file), join(folder, file))
    const run = await doctor(folder)
    expect(run.status).toBe(1)
    expect(run.failed.join()).toContain(`put the file ${file} back`)
    rmSync(keys, { recursive: true })
    expect((await doctor(folder)).failed.join()).toContain(`there is no ${keys}`)
    expect(existsSync(keys)).toBe(false)
  })

  it.each([
    ['cut off', (file: string) => truncateSync(file, 10_000)],
    ['no database at all', (file: string) => writeFileSync(file, 'hello '.repeat(1000))],
  ])('says that a database is %s', async (_, damage) => {
    const folder = await stopped()
    damage(join(folder, 'console', 'db'))
    const run = await doctor(folder)
    expect([run.status, run.stderr]).toEqual([1, ''])
    expect(run.failed.join('\n')).toMatch(/^failed {2}database/m)
  })

  it('takes no arguments', async () => {
    const run = await runHostCommand(['doctor', '--fix'], { DATA_DIR: testFolder() })
    expect(run).toMatchObject({ status: 1, stdout: '' })
    expect(run.stderr).toContain('"--fix" is not understood here')
  })
})
