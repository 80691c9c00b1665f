import { execFile } from 'node:child_process'
import { Console } from 'node:console'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { format, inspect, promisify } from 'node:util'
import { serialize } from 'node:v8'
import { afterAll, describe, expect, it } from 'vitest'
import { Secret } from './secret.ts'

const TEXT = 'cvxr_the-text-nobody-may-read'
const secret = Secret.of(TEXT)

/** A secret where it really is: deep in the object somebody prints. */
const rack = {
  name: 'dev',
  secret,
  nested: { deep: { deeper: [secret, new Map([['key', secret]]), new Set([secret])] } },
}

describe('Secret', () => {
  it('gives its text to reveal() only', () => {
    expect(secret.reveal()).toBe(TEXT)
    expect(Secret.of('').reveal()).toBe('')
  })

  const printed: [string, () => string][] = [
    ['String()', () => String(secret)],
    ['a template', () => `key: ${secret}`],
    ['concatenation', () => `${'key: '}`.concat(secret as unknown as string)],
    ['an array joined', () => [secret, secret].join()],
    ['toLocaleString', () => secret.toLocaleString()],
    ['JSON.stringify', () => JSON.stringify(secret)],
    ['JSON.stringify of an object around it', () => JSON.stringify(rack, null, 2)],
    ['JSON.stringify of Object.entries', () => JSON.stringify(Object.entries(secret))],
    ['inspect', () => inspect(secret)],
    ['inspect of an object around it', () => inspect(rack, { depth: null })],
    ['inspect beyond its depth', () => inspect(rack, { depth: 0 })],
    [
      'inspect with everything hidden shown',
      () => inspect(rack, { showHidden: true, getters: true, depth: null, showProxy: true }),
    ],
    ['inspect without our own method', () => inspect(rack, { customInspect: false, depth: null })],
    [
      'inspect of our own hidden properties',
      () => inspect(secret, { customInspect: false, showHidden: true, getters: true }),
    ],
    ['format', () => format('%s %j %o %O %d %i %f', ...Array<Secret>(7).fill(secret))],
    ['an error message', () => new Error(`bad key ${secret}`).message],
    ['the stack of an error', () => String(new TypeError(`bad key ${secret}`).stack)],
    ['an error with it as cause', () => inspect(new Error('bad key', { cause: secret }))],
    ['an error with it as property', () => inspect(Object.assign(new Error('bad'), { secret }))],
    ['a spread copy', () => inspect({ ...secret }, { showHidden: true })],
    ['structuredClone', () => inspect(structuredClone(rack), { showHidden: true, depth: null })],
    ['the serialisation between threads', () => serialize(secret).toString('latin1')],
    ['the form data of a request', () => String(new URLSearchParams({ key: String(secret) }))],
  ]

  it.each(printed)('is not shown by %s', (_, print) => {
    expect(print()).not.toContain(TEXT)
    expect(print()).not.toContain('nobody')
  })

  it('says that something was left out', () => {
    expect(String(secret)).toBe('[secret]')
    expect(JSON.stringify({ secret })).toBe('{"secret":"[secret]"}')
    expect(inspect({ secret })).toBe('{ secret: [secret] }')
  })

  it('has nothing to read by key', () => {
    expect(Reflect.ownKeys(secret)).toEqual([])
  })

  it('is not written by any method of a console', () => {
    const stream = new PassThrough()
    const terminal = new Console(stream, stream)
    terminal.log(secret, rack, '%o', secret)
    terminal.error(new Error(`no ${secret}`, { cause: rack }))
    terminal.dir(rack, { showHidden: true, depth: null })
    terminal.table([{ secret }, rack])
    terminal.trace(secret)
    const written = String(stream.read())
    expect(written).toContain('[secret]')
    expect(written).not.toContain(TEXT)
  })
})

describe('a process that prints secrets and dies of an error about one', () => {
  const folder = mkdtemp(join(tmpdir(), 'keyrack-secret-'))
  afterAll(async () => rm(await folder, { recursive: true }))

  it('leaves no text of them on stdout or stderr', async () => {
    // The built form, as a program imports it.
    const built = new URL('../dist/secret.js', import.meta.url)
    await writeFile(
      join(await folder, 'main.mjs'),
      `import { Secret } from '${built.href}'
      const secret = Secret.of(Buffer.from('${Buffer.from(TEXT).toString('hex')}', 'hex').toString())
      console.log(secret, { rack: { secret } }, [secret], \`\${secret}\`)
      console.error('%s %o %j', secret, secret, secret)
      console.dir({ secret }, { showHidden: true })
      throw Object.assign(new Error('bad ' + secret, { cause: secret }), { secret })`,
    )
    const run = promisify(execFile)(process.execPath, [join(await folder, 'main.mjs')])
    const { code: status, stdout, stderr } = await run.catch((error) => error)
    expect(status).toBe(1)
    expect(stdout).toContain('[secret] { rack: { secret: [secret] } }')
    expect(stderr).toContain('bad [secret]')
    expect(stdout + stderr).not.toContain(TEXT)
  })
})
