import { join } from 'node:path'
import { Secret } from '@keyrack/secrets'
import { asSuperuser, HAS_POSTGRES } from '@keyrack/server/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { signIn } from '../accounts/sign-in.ts'
import {
  founder,
  openDomain,
  PASSWORD,
  postgresSettings,
  REQUEST,
  testFolder,
} from '../testing/console-domain.ts'
import { ConsoleProcess, post, tryKey } from '../testing/console-process.ts'
import { runHostCommand } from '../testing/run-host-command.ts'

const NEW = 'seven quiet herons at dusk'
const ADA = { email: 'ada@example.com', organization: 'acme', password: PASSWORD }
const PORTS = { PORT: '0', TLS_PORT: '0', OPERATOR_PORT: '0' }

describe.runIf(HAS_POSTGRES)('on PostgreSQL', () => {
  let folder: string
  /** A database of its own, the master key and the data folder, as each command is given them. */
  let settings: Record<string, string>

  beforeEach(async () => {
    folder = testFolder()
    settings = { ...(await postgresSettings(folder)), ...PORTS, DATA_DIR: folder }
  })
  const run = (...args: string[]) => runHostCommand(args, settings, NEW)
  const reset = () => run('reset-password', ADA.email, '--password-stdin')
  const failures = (stdout: string) => stdout.split('\n').filter((line) => /^failed/.test(line))

  it('migrate makes the schema, and a second time finds it up to date', async () => {
    const first = await run('migrate')
    expect(first.status).toBe(0)
    expect(first.stdout).toMatch(
      /^ran 1 .*\n(?:ran .*\n)*the database of DATABASE_URL: from schema 0/,
    )
    const second = await run('migrate')
    expect([second.status, second.stdout]).toEqual([
      0,
      expect.stringMatching(/^the database of DATABASE_URL is up to date: schema \d+\n$/),
    ])
    const accounts = await asSuperuser('select * from accounts', settings.DATABASE_URL)
    expect(accounts).toEqual([])
  })

  it('reset-password works on the database of a stopped server', async () => {
    const before = await openDomain(folder, { env: settings })
    await founder(before)
    await before.close()
    expect(await reset()).toMatchObject({ status: 0 })
    const domain = await openDomain(folder, { env: settings })
    const input = { email: ADA.email, password: Secret.of(NEW) }
    expect((await signIn(domain, input, REQUEST)).account.email).toBe(ADA.email)
  })

  it('reset-password and doctor work beside a running server', async () => {
    const server = new ConsoleProcess(folder, settings)
    const url = await server.url()
    const made = await post(url, '/api/sign-up', ADA)
    expect(await reset()).toMatchObject({ status: 0, stderr: '' })
    const old = await post(url, '/api/sign-in', { email: ADA.email, password: PASSWORD })
    const fresh = await post(url, '/api/sign-in', { email: ADA.email, password: NEW })
    expect([old.status, fresh.status]).toEqual([401, 200])
    expect(await tryKey(url, String(made.body.api_key))).toBe(200)
    const doctor = await run('doctor')
    expect([doctor.status, failures(doctor.stdout)], doctor.stdout).toEqual([0, []])
    expect(doctor.stdout).toMatch(/^ok {6}database {7}answers, schema \d+$/m)
    expect(doctor.stdout).toMatch(/^ok {6}master key {5}opens what is sealed/m)
  })

  it('doctor looks at the database of a stopped server, before the first start too, and makes nothing', async () => {
    const first = await run('doctor')
    expect([first.status, failures(first.stdout)], first.stdout).toEqual([0, []])
    expect(first.stdout).toMatch(
      /^ok {6}database {7}answers, schema 0; the next start brings it to/m,
    )
    const tables = await asSuperuser(
      "select 1 from pg_tables where schemaname = 'public'",
      settings.DATABASE_URL,
    )
    expect(tables).toEqual([])
    await (await openDomain(folder, { env: settings })).close()
    expect((await run('doctor')).status).toBe(0)
  })

  it('doctor finds a server that is not there, another master key, and a schema that is newer', async () => {
    await (await openDomain(folder, { env: settings })).close()
    const doctor = (changes: Record<string, string>) =>
      runHostCommand(['doctor'], { ...settings, ...changes }, '')
    const nowhere = new URL(settings.DATABASE_URL ?? '')
    nowhere.pathname = '/nowhere'
    const lost = await doctor({ DATABASE_URL: nowhere.href })
    expect([lost.status, failures(lost.stdout)]).toEqual([
      1,
      [expect.stringMatching(/^failed {2}database {7}cannot use the database nowhere at /)],
    ])
    expect(lost.stdout).not.toContain('postgres://')
    const other = testFolder()
    await postgresSettings(other)
    const wrong = await doctor({ KEY_DIR: join(other, 'console', 'keys') })
    expect([wrong.status, failures(wrong.stdout)]).toEqual([
      1,
      [expect.stringMatching(/^failed {2}master key/)],
    ])
    await asSuperuser(
      "insert into schema_migrations (id, name, applied_at) values (1000, 'later', 0)",
      settings.DATABASE_URL,
    )
    const newer = await doctor({})
    expect(failures(newer.stdout)).toEqual([
      expect.stringMatching(/^failed {2}database {7}it has schema 1000, but this version knows/),
    ])
  })

  it('of another master key, or not there, stops a command with a sentence that holds no address', async () => {
    const domain = await openDomain(folder, { env: settings })
    const { id } = await founder(domain)
    await domain.close()
    const other = testFolder()
    const otherKey = { ...settings, ...(await postgresSettings(other)), DATA_DIR: other }
    const nowhere = new URL(settings.DATABASE_URL ?? '')
    nowhere.pathname = '/nowhere'
    const args = ['reset-password', ADA.email, '--password-stdin']
    const attempts = [
      { ...otherKey, DATABASE_URL: settings.DATABASE_URL ?? '' },
      { ...settings, DATABASE_URL: nowhere.href },
    ]
    for (const env of attempts) {
      const { status, stdout, stderr } = await runHostCommand(args, env, NEW)
      expect([status, stdout, stderr]).toEqual([1, '', expect.stringMatching(/^ERROR: /m)])
      expect(stderr).not.toContain('postgres://')
    }
    const again = await openDomain(folder, { env: settings })
    const input = { email: ADA.email, password: Secret.of(PASSWORD) }
    expect((await signIn(again, input, REQUEST)).account.id).toBe(id)
  })
})
