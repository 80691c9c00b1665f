import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type KmsServer, startKms } from '@keyrack/server/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testFolder } from '../testing/console-domain.ts'
import { ConsoleProcess, post, tryKey } from '../testing/console-process.ts'
import { runHostCommand } from '../testing/run-host-command.ts'

const ADA = {
  email: 'ada@example.com',
  password: 'nine purple lanterns drift',
  organization: 'acme',
}

let kms: KmsServer
beforeAll(async () => {
  kms = await startKms()
})
afterAll(() => kms.stop())

describe('a Console whose master key AWS KMS wraps', () => {
  it('starts with it, names its kind, rotates to another of it, and starts with nothing else', async () => {
    const folder = testFolder()
    const keyDir = join(folder, 'console', 'keys')
    const run = (...args: string[]) => runHostCommand(args, { DATA_DIR: folder, ...kms.env })
    const start = () => new ConsoleProcess(folder, { HOST: '0.0.0.0', ...kms.env })
    const status = async () => JSON.parse((await run('keys', 'status', '--json')).stdout).keys

    const created = await run('keys', 'create', '--kms', kms.keyArn)
    expect(created).toMatchObject({ status: 0 })
    expect(created.stdout).toContain(`AWS KMS opens it at each start of a Console`)
    const server = start()
    const url = await server.url()
    const made = await post(url, '/api/sign-up', { ...ADA, setup_token: server.setupToken })
    const asked = kms.asked.length
    expect(await status()).toMatchObject([
      { kind: 'aws-kms', wrapped_by: kms.keyArn, current: true, present: true },
    ])
    expect(kms.asked).toHaveLength(asked)

    expect(await run('keys', 'rotate')).toMatchObject({ status: 0 })
    const [next, first] = await status()
    expect(next).toMatchObject({ kind: 'aws-kms', wrapped_by: kms.keyArn, current: true })
    expect(first).toMatchObject({ kind: 'aws-kms', current: false, values: 0 })
    for (const name of readdirSync(keyDir).filter((file) => file.endsWith('.key'))) {
      expect(readFileSync(join(keyDir, name), 'utf8')).toMatch(/^krw1\./)
    }
    await server.kill()

    const again = start()
    expect(await tryKey(await again.url(), String(made.body.api_key))).toBe(200)
    await again.kill()
    expect((await run('doctor')).stdout).toContain(`wrapped by AWS KMS: ${kms.keyArn}`)
    kms.refuseWith('AccessDeniedException')
    const refused = await run('keys', 'status')
    expect(refused).toMatchObject({ status: 1, stdout: '' })
    expect(refused.stderr).toContain('AccessDeniedException; allow kms:Decrypt')
    expect(readdirSync(keyDir).filter((file) => file.endsWith('.key'))).toHaveLength(2)
    kms.refuseWith(undefined)
    expect(await run('keys', 'verify')).toMatchObject({ status: 0 })
  })

  it('gets it from one that lay there as it is, and back, by a rotation', async () => {
    const folder = testFolder()
    const run = (...args: string[]) => runHostCommand(args, { DATA_DIR: folder, ...kms.env })
    const kinds = async () =>
      JSON.parse((await run('keys', 'status', '--json')).stdout).keys.map(
        ({ kind, current }: { kind: string; current: boolean }) => `${kind} ${current}`,
      )
    expect(await run('migrate')).toMatchObject({ status: 0 })
    expect(await kinds()).toEqual(['file true'])
    expect(await run('keys', 'create', '--kms', kms.keyArn)).toMatchObject({ status: 0 })
    expect(await run('keys', 'rotate')).toMatchObject({ status: 0 })
    expect(await kinds()).toEqual(['aws-kms true', 'file false'])
    expect(await run('keys', 'create')).toMatchObject({ status: 0 })
    expect(await run('keys', 'rotate')).toMatchObject({ status: 0 })
    expect(await kinds()).toEqual(['file true', 'aws-kms false', 'file false'])
  })

  it.each([
    [['--kms'], 'say which key of AWS KMS wraps it'],
    [['--kms', 'alias/keyrack'], 'that is no ARN of a key of AWS KMS'],
    [['--kms', 'arn:aws:kms:eu-test-1:111122223333:key/a', 'more'], 'is not understood here'],
    [['--aws'], 'is not understood here'],
  ])('is not made by keys create %j', async (args, text) => {
    const folder = testFolder()
    const said = await runHostCommand(['keys', 'create', ...args], { DATA_DIR: folder, ...kms.env })
    expect(said).toMatchObject({ stdout: '' })
    expect(said.status).not.toBe(0)
    expect(said.stderr).toContain(text)
  })
})
