import { execFileSync } from 'node:child_process'
import { createHash, createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, get } from 'node:https'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { errorText, KeyrackError } from '@keyrack/protocol'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { listen } from './listen.ts'
import { temporaryFolder } from './testing/temporary-folder.ts'
import { type Certificate, type CertificateOptions, loadCertificate } from './tls.ts'

let temporary: ReturnType<typeof temporaryFolder>
let folder: string

beforeEach(() => {
  temporary = temporaryFolder()
  folder = join(temporary.path, 'tls')
})
afterEach(() => temporary.remove())

const load = (names: string[] = [], options: Partial<CertificateOptions> = {}) =>
  loadCertificate({ folder, names, ...options })

const x509 = (certificate: Certificate) => new X509Certificate(certificate.cert)
const YEAR_MS = 365.25 * 86_400_000

describe('a generated certificate', () => {
  it('names this server and loopback, is P-256, lasts ten years, and cannot sign others', async () => {
    const certificate = await load(['console.example.com', '192.0.2.7', '2001:db8::1'])
    const leaf = x509(certificate)
    for (const name of ['console.example.com', 'localhost']) expect(leaf.checkHost(name)).toBe(name)
    for (const ip of ['192.0.2.7', '127.0.0.1', '::1', '2001:db8::1']) {
      expect(leaf.checkIP(ip)).toBeDefined()
    }
    expect(leaf.checkHost('other.example.com')).toBeUndefined()
    expect(leaf.ca).toBe(false)
    expect(leaf.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' })
    expect(leaf.checkPrivateKey(createPrivateKey(certificate.key.reveal()))).toBe(true)
    const years = (certificate.notAfter.getTime() - Date.now()) / YEAR_MS
    expect(years).toBeGreaterThan(9.9)
    expect(years).toBeLessThan(10.1)
    expect(new Date(leaf.validFrom).getTime()).toBeLessThan(Date.now())
  })

  it('is made once: the same one is given again, its key for this user only', async () => {
    const first = await load(['a.example.com'])
    const second = await load(['A.example.com'])
    expect(second.cert).toBe(first.cert)
    expect(statSync(join(folder, 'key.pem')).mode & 0o777).toBe(0o600)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(JSON.stringify(first)).not.toContain('PRIVATE')
  })

  it('is made anew for the same key when names come or go', async () => {
    const first = await load(['a.example.com'])
    const more = await load(['a.example.com', 'b.example.com'])
    const fewer = await load(['b.example.com'])
    expect(new Set([first, more, fewer].map((made) => made.fingerprint)).size).toBe(3)
    expect(new Set([first, more, fewer].map((made) => made.keyFingerprint)).size).toBe(1)
    expect(x509(fewer).checkHost('a.example.com')).toBeUndefined()
  })

  it('is made anew for the same key before it ends', async () => {
    const first = await load()
    const almost = first.notAfter.getTime() - 80 * 86_400_000
    const second = await load([], { now: () => almost })
    expect(second.keyFingerprint).toBe(first.keyFingerprint)
    expect(second.notAfter.getTime()).toBeGreaterThan(almost + 9 * YEAR_MS)
  })

  it('is repaired when its file is damaged, but a damaged key is not replaced in silence', async () => {
    const first = await load()
    writeFileSync(join(folder, 'cert.pem'), 'nonsense')
    expect((await load()).keyFingerprint).toBe(first.keyFingerprint)
    writeFileSync(join(folder, 'key.pem'), 'nonsense')
    await expect(load()).rejects.toThrow(`the TLS key file ${join(folder, 'key.pem')} is damaged`)
  })

  it('is refused for what is no name', async () => {
    for (const name of ['a b', 'https://x.example', '', 'x:3000', 'a\nb']) {
      await expect(load([name])).rejects.toMatchObject({ code: 'invalid' })
    }
  })

  it('is what a TLS client sees: fingerprints, names and chain check', async () => {
    const certificate = await load()
    const server = createServer(
      { cert: certificate.cert, key: certificate.key.reveal() },
      (_, res) => res.end('hello'),
    )
    const { port, close } = await listen(server, { port: 0, host: '127.0.0.1', variable: 'PORT' })
    onTestFinished(close)
    const socket = connect({ host: 'localhost', port, ca: certificate.cert, family: 4 } as object)
    onTestFinished(() => void socket.destroy())
    await once(socket, 'secureConnect')
    expect(socket.authorized).toBe(true)
    const seen = socket.getPeerX509Certificate()
    const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
    expect(certificate.fingerprint).toBe(sha256(seen?.raw ?? Buffer.alloc(0)))
    expect(certificate.fingerprint).toBe(
      x509(certificate).fingerprint256.replaceAll(':', '').toLowerCase(),
    )
    socket.end()
    const [response] = await once(
      get({ host: '127.0.0.1', port, ca: certificate.cert, agent: false }),
      'response',
    )
    expect(response.resume().statusCode).toBe(200)
  })
})

describe('a certificate given by files', () => {
  /** A pair made by this very module stands for the operator's own. */
  async function pair(name: string, options: Partial<CertificateOptions> = {}) {
    const place = join(temporary.path, name)
    const made = await loadCertificate({ folder: place, names: [name], ...options })
    return { certFile: join(place, 'cert.pem'), keyFile: join(place, 'key.pem'), made }
  }

  async function refusal(options: Partial<CertificateOptions>): Promise<string> {
    const error = await load([], options).then(
      () => new Error('it was loaded'),
      (failure: unknown) => failure,
    )
    expect(error).toBeInstanceOf(KeyrackError)
    return errorText(error as KeyrackError)
  }

  it('is used as it is', async () => {
    const { certFile, keyFile, made } = await pair('own.example.com')
    const certificate = await load([], { certFile, keyFile })
    expect(certificate.fingerprint).toBe(made.fingerprint)
    expect(certificate.cert).toBe(readFileSync(certFile, 'utf8'))
  })

  it('is read again by reload; a bad new pair throws and changes nothing', async () => {
    const { certFile, keyFile } = await pair('own.example.com')
    const next = await pair('next.example.com')
    const certificate = await load([], { certFile, keyFile })
    copyFileSync(next.certFile, certFile)
    await expect(certificate.reload()).rejects.toThrow('does not belong')
    copyFileSync(next.keyFile, keyFile)
    const reloaded = await certificate.reload()
    expect(reloaded.fingerprint).toBe(next.made.fingerprint)
    expect(certificate.fingerprint).not.toBe(reloaded.fingerprint)
  })

  it('needs both files', async () => {
    expect(await refusal({ certFile: '/x' })).toContain(
      'TLS_CERT_FILE is set, but TLS_KEY_FILE is not',
    )
    expect(await refusal({ keyFile: '/x' })).toContain(
      'TLS_KEY_FILE is set, but TLS_CERT_FILE is not',
    )
  })

  it('that does not exist, is no certificate or no key is named', async () => {
    const { certFile, keyFile } = await pair('own.example.com')
    const nowhere = join(temporary.path, 'nowhere')
    expect(await refusal({ certFile: nowhere, keyFile })).toContain(`${nowhere} does not exist`)
    expect(await refusal({ certFile: keyFile, keyFile })).toContain(
      `${keyFile} holds no certificate`,
    )
    expect(await refusal({ certFile, keyFile: certFile })).toContain(
      `${certFile} holds no private key`,
    )
  })

  it('whose key has a passphrase is refused by that name', async () => {
    const { certFile } = await pair('own.example.com')
    const keyFile = join(temporary.path, 'locked.pem')
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const cipher = { cipher: 'aes-256-cbc', passphrase: 'x' }
    writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem', ...cipher }))
    expect(await refusal({ certFile, keyFile })).toContain('has a passphrase')
  })

  it('whose key belongs to another certificate is refused', async () => {
    const one = await pair('one.example.com')
    const two = await pair('two.example.com')
    const text = await refusal({ certFile: one.certFile, keyFile: two.keyFile })
    expect(text).toContain(`the key in ${two.keyFile} does not belong`)
  })

  it('that has ended or not begun is refused with the date', async () => {
    const { certFile, keyFile, made } = await pair('own.example.com')
    const end = made.notAfter.getTime()
    const ended = await refusal({ certFile, keyFile, now: () => end + 1000 })
    expect(ended).toContain(`ended on ${made.notAfter.toISOString()}`)
    expect(await refusal({ certFile, keyFile, now: () => 0 })).toContain('begins only on')
  })
})

describe('openssl, an independent reader', () => {
  const missing = !hasOpenssl()
  it.skipIf(missing)('finds the generated certificate sound for a TLS server', async () => {
    await load(['console.example.com'])
    const file = join(folder, 'cert.pem')
    const verified = execFileSync(
      'openssl',
      ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', file, file],
      { encoding: 'utf8' },
    )
    expect(verified).toContain(': OK')
  })
})

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
