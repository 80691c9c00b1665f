import { execFile, spawnSync } from 'node:child_process'
import { createPublicKey, generateKeyPairSync, randomBytes, verify } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import ssh2 from 'ssh2'
import { afterAll, describe, expect, it } from 'vitest'
import { Secret } from './secret.ts'
import { generateSshKeyPair, publicKeyOf, SshKeyError, sshFingerprint } from './ssh-key.ts'

const COMMENTS = ['', 'k', 'keyrack', 'keyrack dev generation 3', 'schlüssel 🔑', 'x'.repeat(255)]

/** The bytes between the two marker lines. */
function containerOf(privateKey: Secret): Buffer {
  return Buffer.from(privateKey.reveal().split('\n').slice(1, -2).join(''), 'base64')
}

function pem(container: Uint8Array): Secret {
  const body = Buffer.from(container).toString('base64')
  return Secret.of(
    `-----BEGIN OPENSSH PRIVATE KEY-----\n${body}\n-----END OPENSSH PRIVATE KEY-----\n`,
  )
}

describe('generateSshKeyPair', () => {
  it.each(COMMENTS)('makes a pair whose halves belong together (comment %j)', (comment) => {
    const { publicKey, privateKey } = generateSshKeyPair(comment)
    expect(publicKey).toMatch(/^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5[A-Za-z0-9+/]{48}/)
    expect(publicKey.split(' ').slice(2).join(' ')).toBe(comment)
    expect(publicKeyOf(privateKey)).toBe(publicKey)
    expect(publicKeyOf(Secret.of(privateKey.reveal().replaceAll('\n', '\r\n')))).toBe(publicKey)
  })

  it('never makes one twice', () => {
    const keys = Array.from({ length: 50 }, () => generateSshKeyPair('').publicKey)
    expect(new Set(keys).size).toBe(50)
  })

  it('pads with 1, 2, 3… to a multiple of eight, for comments of every length', () => {
    for (let length = 0; length < 17; length += 1) {
      const { publicKey, privateKey } = generateSshKeyPair('c'.repeat(length))
      const container = containerOf(privateKey)
      const secretPart = container.subarray(15 + 24 + 4 + 51 + 4)
      expect(secretPart.length % 8).toBe(0)
      expect(secretPart.subarray(0, 4)).toEqual(secretPart.subarray(4, 8))
      const padding = [...secretPart.subarray(8 + 51 + 4 + 64 + 4 + length)]
      expect(padding).toEqual([1, 2, 3, 4, 5, 6, 7].slice(0, padding.length))
      expect(publicKeyOf(privateKey)).toBe(publicKey)
    }
  })

  it.each(['a\nssh-ed25519 AAAA', 'a\r', 'a\0', 'a\tb', ' a', 'a ', '\u0085'])(
    'refuses a comment that could add a line to authorized_keys (%#)',
    (comment) => expect(() => generateSshKeyPair(comment)).toThrow(TypeError),
  )

  it('is understood by ssh2, whose signature the public half verifies', () => {
    const { publicKey, privateKey } = generateSshKeyPair('keyrack')
    const key = ssh2.utils.parseKey(privateKey.reveal())
    if (key instanceof Error) throw key
    expect([key.type, key.comment, key.isPrivateKey()]).toEqual(['ssh-ed25519', 'keyrack', true])
    expect(key.getPublicSSH().toString('base64')).toBe(publicKey.split(' ')[1])
    const message = randomBytes(40)
    const x = key.getPublicSSH().subarray(-32).toString('base64url')
    const verifier = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
    expect(verify(null, message, verifier, key.sign(message))).toBe(true)
  })

  it('logs in to an SSH server that knows the public half, and to no other', async () => {
    const [host, ours, other] = ['host', 'ours', 'other'].map((name) => generateSshKeyPair(name))
    if (!host || !ours || !other) throw new TypeError('three pairs')
    const server = new ssh2.Server({ hostKeys: [host.privateKey.reveal()] }, (client) => {
      client.on('error', () => client.end())
      client.on('authentication', (attempt) => {
        const known = ssh2.utils.parseKey(ours.publicKey)
        if (known instanceof Error || attempt.method !== 'publickey') return attempt.reject()
        if (!attempt.key.data.equals(known.getPublicSSH())) return attempt.reject()
        if (!attempt.signature) return attempt.accept()
        const good = known.verify(attempt.blob ?? Buffer.of(), attempt.signature, attempt.hashAlgo)
        return good === true ? attempt.accept() : attempt.reject()
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      const { port } = server.address() as AddressInfo
      await login(port, ours.privateKey)
      await expect(login(port, other.privateKey)).rejects.toThrow('authentication')
    } finally {
      server.close()
    }
  })
})

describe('publicKeyOf', () => {
  const { privateKey } = generateSshKeyPair('keyrack')
  const container = containerOf(privateKey)

  it('accepts no container with any bit flipped, except in the texts it cannot check', () => {
    const whole = publicKeyOf(privateKey)
    for (let bit = 0; bit < container.length * 8; bit += 1) {
      const changed = Buffer.from(container)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const read = attempt(() => publicKeyOf(pem(changed)))
      // The comment has no checksum; the key before it must be the same.
      if (read !== undefined) expect(read.split(' ')[1]).toBe(whole.split(' ')[1])
      const comment = container.indexOf('keyrack') * 8
      if (bit < comment || bit >= comment + 7 * 8) expect(read).toBeUndefined()
    }
  })

  it('accepts none that is cut or followed by something', () => {
    for (let length = 0; length < container.length; length += 1) {
      expect(() => publicKeyOf(pem(container.subarray(0, length)))).toThrow(SshKeyError)
    }
    expect(() => publicKeyOf(pem(Buffer.concat([container, Buffer.of(1)])))).toThrow(SshKeyError)
  })

  it.each([
    ['nothing', ''],
    ['a word', 'hunter2'],
    ['only the markers', pem(Buffer.of()).reveal()],
    ['another begin line', privateKey.reveal().replace('BEGIN OPENSSH', 'BEGIN EC')],
    ['another end line', privateKey.reveal().replace('END OPENSSH', 'END EC')],
    ['a foreign character inside', privateKey.reveal().replace('\nb3', '\n*b3')],
    [
      'PKCS #8',
      String(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })),
    ],
    ['another type of key', ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 }).private],
    [
      'an encrypted key',
      ssh2.utils.generateKeyPairSync('ed25519', {
        passphrase: 'x',
        cipher: 'aes256-ctr',
        rounds: 1,
      }).private,
    ],
  ])('refuses %s, in words that repeat none of it', (_, text) => {
    expect(() => publicKeyOf(Secret.of(text))).toThrow(SshKeyError)
    expect(() => publicKeyOf(Secret.of(text))).toThrow(
      /^This is not an unencrypted Ed25519 private key in OpenSSH format\.$/,
    )
  })

  it('reads a key ssh2 made', () => {
    let pair: { public: string; private: string }
    // About one in 200 of the pairs ssh2 1.17 makes is one that ssh2 cannot read back.
    do pair = ssh2.utils.generateKeyPairSync('ed25519', { comment: 'theirs' })
    while (ssh2.utils.parseKey(pair.private) instanceof Error)
    expect(publicKeyOf(Secret.of(pair.private))).toBe(pair.public.trim())
  })
})

describe('sshFingerprint', () => {
  it('depends on the key only, not on the comment or the spaces around it', () => {
    const [type, blob] = generateSshKeyPair('a').publicKey.split(' ')
    const expected = sshFingerprint(`${type} ${blob}`)
    expect(expected).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/)
    expect(sshFingerprint(` ${type}  ${blob} other comment\n`)).toBe(expected)
  })

  it.each([
    '',
    'ssh-ed25519',
    'ssh-ed25519 ',
    'ssh-ed25519 AAAA',
    'ssh-ed25519 hunter2',
    ' AAAAAA==',
  ])('refuses what is no public key (%#)', (text) => {
    expect(() => sshFingerprint(text)).toThrow(SshKeyError)
    expect(() => sshFingerprint(text)).not.toThrow('hunter2')
  })

  it('refuses a key under the name of another type', () => {
    const blob = generateSshKeyPair('').publicKey.split(' ')[1]
    expect(() => sshFingerprint(`ssh-rsa ${blob}`)).toThrow(SshKeyError)
    expect(() => sshFingerprint(`ssh-ed ${blob}`)).toThrow(SshKeyError)
  })
})

const absent = spawnSync('ssh-keygen', ['-?']).error !== undefined
const required = (process.env.REQUIRE ?? '').split(',').includes('ssh-keygen')

describe.skipIf(absent && !required)('ssh-keygen', () => {
  const run = promisify(execFile)
  const folder = mkdtemp(join(tmpdir(), 'keyrack-ssh-'))
  afterAll(async () => rm(await folder, { recursive: true }))

  it.each(COMMENTS)('prints the same public key and fingerprint (comment %j)', async (comment) => {
    const { publicKey, privateKey } = generateSshKeyPair(comment)
    const file = join(await folder, 'key')
    await rm(file, { force: true })
    await writeFile(file, privateKey.reveal(), { mode: 0o600 })
    const derived = await run('ssh-keygen', ['-y', '-f', file])
    expect(derived.stdout.trim()).toBe(publicKey)
    await writeFile(`${file}.pub`, `${publicKey}\n`)
    for (const name of [file, `${file}.pub`]) {
      const listed = await run('ssh-keygen', ['-l', '-f', name])
      expect(listed.stdout.split(' ').slice(0, 2)).toEqual(['256', sshFingerprint(publicKey)])
    }
  })

  it.each(['ed25519', 'ecdsa', 'rsa'])('agrees about a key of its own (%s)', async (type) => {
    const file = join(await folder, `own-${type}`)
    await run('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', 'theirs', '-f', file])
    const derived = (await run('ssh-keygen', ['-y', '-f', file])).stdout
    const listed = await run('ssh-keygen', ['-l', '-f', file])
    expect(listed.stdout.split(' ')[1]).toBe(sshFingerprint(derived))
  })
})

async function login(port: number, privateKey: Secret): Promise<void> {
  const client = new ssh2.Client()
  try {
    const ready = once(client, 'ready')
    client.connect({
      host: '127.0.0.1',
      port,
      username: 'keyrack',
      privateKey: privateKey.reveal(),
    })
    await ready
  } finally {
    client.end()
  }
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    expect(error).toBeInstanceOf(SshKeyError)
    return undefined
  }
}
