import { recoveryText } from '@keyrack/protocol/key-resources'
import { generateSigningKey, hashApiKey, mintApiKey, type Secret, signText } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { ask } from '../testing/ask.ts'
import { openRackKeys } from '../testing/open-rack-keys.ts'
import { startTestRack, type TestRack } from '../testing/start-test-rack.ts'
import { ConsoleRecovery } from './console-recovery.ts'

const ADDRESS = '192.0.2.1'
const RACK = 'rack-1'

function signed(privateKey: Secret, console: string, nonce: string, rack = RACK): string {
  return signText(privateKey, recoveryText(rack, console, nonce))
}

async function recovery() {
  const rack = await openRackKeys()
  const clock = { now: 0 }
  const { store, keys } = rack
  const subject = new ConsoleRecovery({ store, keys, rackId: RACK, now: () => clock.now })
  const pair = generateSigningKey()
  const register = (console = 'ours', takeOver = false, publicKey = pair.publicKey) =>
    subject.register({ console, publicKey, takeOver })
  /** Rolls the key, with a copy. */
  const roll = async (copy: string) => {
    const key = mintApiKey('rack')
    const [{ id = '', hash = '' } = {}] = keys.live()
    const name = `roll-${keys.generation}-of-the-test`
    await keys.stage(id, { roll: name, hash: hashApiKey(key), copy })
    const keep = hashApiKey(key)
    await keys.retire(rack.idOf(key) ?? '', { roll: name, keep, drop: hash, notAfter: 0 })
  }
  const recover = (over: Partial<Parameters<typeof subject.recover>[1]> = {}, at = ADDRESS) => {
    const { nonce } = subject.challenge(at)
    const signature = signed(pair.privateKey, 'ours', nonce)
    return subject.recover(at, { console: 'ours', nonce, signature, ...over })
  }
  return { ...rack, subject, clock, pair, register, roll, recover }
}

const REFUSED = { code: 'unauthenticated', message: 'invalid authentication' }

describe('the Console that a Rack belongs to', () => {
  it('is the first one that registers, and may say so again', async () => {
    const { register } = await recovery()
    const answer = { console: 'ours', state: 'registered' }
    expect(await register()).toEqual(answer)
    expect(await register()).toEqual(answer)
  })

  it('is not changed by another one, unless that takes it over, which the log tells', async () => {
    const { register, systemLog, roll, recover } = await recovery()
    await register()
    await roll('sealed by ours')
    await expect(register('other')).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('another Console, ours'),
      hint: expect.stringContaining('--take-over'),
    })
    const stranger = generateSigningKey().publicKey
    await expect(register('ours', false, stranger)).rejects.toMatchObject({ code: 'conflict' })
    expect(await recover()).toMatchObject({ copy: 'sealed by ours' })
    expect(await register('other', true)).toMatchObject({ console: 'other' })
    expect(systemLog.after(0).at(-1)?.message).toContain('other took the Rack over')
    await expect(recover()).rejects.toMatchObject(REFUSED)
  })

  it('is one of many that register at once', async () => {
    const { register } = await recovery()
    const names = Array.from({ length: 8 }, (_, index) => `console-${index}`)
    const answers = await Promise.allSettled(names.map((name) => register(name)))
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })
})

describe('a Console that was restored', () => {
  it('gets the copy of the key in force, with its generation, and never that of an older one', async () => {
    const { register, roll, recover } = await recovery()
    await register()
    await roll('first')
    await roll('second')
    expect(await recover()).toEqual({ copy: 'second', generation: 3 })
  })

  it('is told when there is no copy, but only when it has proved who it is', async () => {
    const { register, recover } = await recovery()
    await register()
    await expect(recover()).rejects.toMatchObject({ code: 'not-found' })
    await expect(recover({ signature: 'AAAA' })).rejects.toMatchObject(REFUSED)
  })

  it('is refused with anything wrong, all in the same words', async () => {
    const { subject, register, roll, recover, pair } = await recovery()
    await expect(recover()).rejects.toMatchObject(REFUSED)
    await register()
    await roll('sealed')
    const { nonce } = subject.challenge('192.0.2.2')
    const wrong = [
      { console: '' },
      { console: 'other' },
      { signature: '' },
      { nonce: '' },
      { nonce: 'A'.repeat(43) },
      { signature: signed(generateSigningKey().privateKey, 'ours', nonce), nonce },
      { signature: signed(pair.privateKey, 'other', subject.challenge('192.0.2.3').nonce) },
    ]
    for (const [index, over] of wrong.entries()) {
      await expect(recover(over, `198.51.100.${index}`)).rejects.toMatchObject(REFUSED)
    }
    const elsewhere = subject.challenge('192.0.2.4').nonce
    const signature = signed(pair.privateKey, 'ours', elsewhere, 'another-rack')
    const moved = recover({ nonce: elsewhere, signature }, '192.0.2.4')
    await expect(moved).rejects.toMatchObject(REFUSED)
  })

  it('can use a nonce once and for a minute, whatever became of it', async () => {
    const { subject, clock, register, roll, pair } = await recovery()
    await register()
    await roll('sealed')
    const use = (nonce: string, signature = signed(pair.privateKey, 'ours', nonce)) =>
      subject.recover(ADDRESS, { console: 'ours', nonce, signature })
    const { nonce } = subject.challenge(ADDRESS)
    expect(await use(nonce)).toMatchObject({ copy: 'sealed' })
    await expect(use(nonce)).rejects.toMatchObject(REFUSED)
    const spent = subject.challenge(ADDRESS).nonce
    await expect(use(spent, 'AAAA')).rejects.toMatchObject(REFUSED)
    await expect(use(spent)).rejects.toMatchObject(REFUSED)
    const late = subject.challenge(ADDRESS).nonce
    clock.now += 60_000
    await expect(use(late)).rejects.toMatchObject(REFUSED)
  })

  it('has a nonce that others cannot use up, and each address asks ten times a minute', async () => {
    const { subject, register, roll, pair } = await recovery()
    await register()
    await roll('sealed')
    for (let address = 0; address < 200; address++) subject.challenge(`203.0.113.${address}`)
    const { nonce } = subject.challenge(ADDRESS)
    for (let address = 0; address < 99; address++) subject.challenge(`198.51.100.${address}`)
    const signature = signed(pair.privateKey, 'ours', nonce)
    const recovered = await subject.recover(ADDRESS, { console: 'ours', nonce, signature })
    expect(recovered.copy).toBe('sealed')
    for (let more = 0; more < 9; more++) subject.challenge(ADDRESS)
    expect(() => subject.challenge(ADDRESS)).toThrow(/too many requests/)
  })
})

describe('over HTTPS', () => {
  it('challenge and recover need no key, and a nonce is one of its own', async () => {
    const rack = await startTestRack()
    const { publicKey, privateKey } = generateSigningKey()
    const next = mintApiKey('rack')
    const staged = { roll: 'roll-0001', hash: hashApiKey(next), copy: 'the sealed copy' }
    const ours = { console: 'ours', public_key: publicKey, take_over: '0' }
    expect((await say(rack, 'register', ours, rack.key)).status).toBe(200)
    await say(rack, 'stage', staged, rack.key)
    const retired = {
      ...{ roll: 'roll-0001', keep: staged.hash, drop: hashApiKey(rack.key), not_after: '0' },
    }
    await say(rack, 'retire', retired, next)
    const { nonce, rack: rackId } = JSON.parse((await say(rack, 'challenge', {})).body)
    expect([Buffer.from(nonce, 'base64url').length, rackId]).toEqual([32, rack.rackId])
    const signature = signed(privateKey, 'ours', nonce, rackId)
    const recovered = await say(rack, 'recover', { console: 'ours', nonce, signature })
    expect([recovered.status, JSON.parse(recovered.body)]).toEqual([
      200,
      { copy: 'the sealed copy', generation: 2 },
    ])
    expect(recovered.headers['keyrack-key-generation']).toBeUndefined()
    const again = await say(rack, 'recover', { console: 'ours', nonce, signature })
    expect([again.status, JSON.parse(again.body).error]).toEqual([401, 'invalid authentication'])
  })
})

function say({ port }: TestRack, act: string, fields: Record<string, string>, key?: Secret) {
  const body = new URLSearchParams(fields).toString()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const given = key === undefined ? {} : { key }
  return ask(port, `POST /system/key/${act}`, { ...given, body, headers })
}
