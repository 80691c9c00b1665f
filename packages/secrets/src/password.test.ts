import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hashPassword, normalizePassword, verifyPassword } from './password.ts'
import { Secret } from './secret.ts'

const argon2 = createRequire(import.meta.url)('@node-rs/argon2') as typeof import('@node-rs/argon2')
const password = Secret.of('violet anchor pudding')
const stored = hashPassword(password)

describe('hashPassword', () => {
  it('is Argon2id with at least 19 MiB, two passes, one lane, 16 bytes of salt, 32 of hash', async () => {
    expect(await stored).toMatch(
      /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/,
    )
  })

  it('has a salt of its own each time', async () => {
    expect(await hashPassword(password)).not.toBe(await stored)
  })

  it('refuses a text that cannot be a password, without repeating it', async () => {
    for (const text of ['hunter2\ud800', 'hunter2'.repeat(200)]) {
      await expect(hashPassword(Secret.of(text))).rejects.toThrow('This password cannot be hashed.')
    }
  })
})

describe('verifyPassword', () => {
  it('accepts the password and nothing near it', async () => {
    expect(await verifyPassword(await stored, password)).toBe(true)
    const near = ['', ' violet anchor pudding', 'violet anchor pudding ', 'Violet anchor pudding']
    for (const text of [...near, 'violet anchor pudding\0', 'violet anchor puddin', '[secret]']) {
      expect(await verifyPassword(await stored, Secret.of(text))).toBe(false)
    }
  })

  it('compares the whole password, up to 1,024 characters of four bytes', async () => {
    const long = '😀'.repeat(1023)
    const phc = await hashPassword(Secret.of(`${long}a`))
    expect(await verifyPassword(phc, Secret.of(`${long}a`))).toBe(true)
    expect(await verifyPassword(phc, Secret.of(`${long}b`))).toBe(false)
    expect(await verifyPassword(phc, Secret.of(`${long}aa`))).toBe(false)
  })

  it.each([
    [
      'composed and decomposed accents',
      'caf\u00e9 caf\u00e9 caf\u00e9!',
      'cafe\u0301 cafe\u0301 cafe\u0301!',
    ],
    ['full-width letters', 'Ｖｉｏｌｅｔ anchor', 'Violet anchor'],
    ['ligatures', 'ﬁne ﬁgs ﬁnally', 'fine figs finally'],
    ['other spaces', 'violet\u00a0anchor', 'violet anchor'],
  ])('takes both ways of typing as one: %s', async (_, a, b) => {
    expect(a).not.toBe(b)
    expect(await verifyPassword(await hashPassword(Secret.of(a)), Secret.of(b))).toBe(true)
    expect(await verifyPassword(await hashPassword(Secret.of(b)), Secret.of(a))).toBe(true)
  })

  it('answers false, never an error, when there is no account or its row is damaged', async () => {
    const phc = await stored
    const [, , , , salt = '', digest = ''] = phc.split('$')
    const damaged = [
      undefined,
      '',
      '$',
      'violet anchor pudding',
      phc.slice(0, -1),
      `${phc}A`,
      `${phc}\n`,
      phc.replace('argon2id', 'argon2i'),
      phc.replace('argon2id', 'argon2d'),
      phc.replace('v=19', 'v=16'),
      phc.replace('m=19456', 'm=99999999'),
      phc.replace('m=19456', 'm=999999'),
      phc.replace('m=19456', 'm=10000'),
      phc.replace('t=2', 't=1'),
      phc.replace('t=2', 't=99'),
      phc.replace('p=1', 'p=0'),
      phc.replace('p=1', 'p=9'),
      phc.replace(salt, `${salt.slice(0, -1)}/`),
      phc.replace(digest, `${digest.slice(0, -1)}/`),
      phc.replace(salt, ''),
      '$2b$10$abcdefghijklmnopqrstuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu',
    ]
    for (const text of damaged) expect(await verifyPassword(text, password)).toBe(false)
  })

  it('accepts no hash weaker than ours, even of the right password', async () => {
    const weak = [
      { memoryCost: 8192, timeCost: 2 },
      { memoryCost: 19_456, timeCost: 1 },
    ]
    for (const options of weak) {
      const phc = await argon2.hash(password.reveal(), options)
      expect(await argon2.verify(phc, password.reveal())).toBe(true)
      expect(await verifyPassword(phc, password)).toBe(false)
    }
  })

  it('accepts the dearer settings of a later release', async () => {
    const phc = await argon2.hash(password.reveal(), {
      memoryCost: 32_768,
      timeCost: 3,
      parallelism: 2,
    })
    expect(await verifyPassword(phc, password)).toBe(true)
  })

  it('spends no time on a text that cannot be a password', async () => {
    const huge = Secret.of('a'.repeat(1 << 20))
    expect(await verifyPassword(await stored, huge)).toBe(false)
    expect(await verifyPassword(await stored, Secret.of('violet anchor pudding\ud800'))).toBe(false)
  })
})

describe('normalizePassword', () => {
  it('gives equal texts to equivalent ones, and normalizing again changes nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
        const once = normalizePassword(text)
        expect(once).toBe(normalizePassword(text.normalize('NFD')))
        expect(normalizePassword(once ?? '')).toBe(once)
      }),
    )
  })

  it('counts code points, not units: 1,024 fit, 1,025 do not', () => {
    expect(normalizePassword('😀'.repeat(1024))).toBe('😀'.repeat(1024))
    expect(normalizePassword('😀'.repeat(1025))).toBeUndefined()
    expect(normalizePassword('a'.repeat(1024))).toBe('a'.repeat(1024))
    expect(normalizePassword('a'.repeat(1025))).toBeUndefined()
  })
})
