import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  X509Certificate,
} from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { KeyrackError } from '@keyrack/protocol'
import type { CertificatePair } from './certificate-files.ts'
import { type Notice, privateFolder, tightenMode } from './private-folder.ts'
import { writePrivateFile } from './write-private-file.ts'

const ALWAYS = ['localhost', '127.0.0.1', '::1']
const DAY_MS = 86_400_000
const YEARS = 10
const RENEW_BEFORE_MS = 90 * DAY_MS

/**
 * The server's own certificate: made once and kept with its key. When the names change or its end
 * comes near, a new certificate is made for the same key, so that a client which pinned the key
 * notices nothing.
 */
export async function generatedCertificate(
  folder: string,
  names: readonly string[],
  now: () => number,
  notice: Notice,
): Promise<CertificatePair> {
  const wanted = [...new Set([...ALWAYS, ...names.map(normalName)])]
  privateFolder(folder, notice)
  const key = keptKey(join(folder, 'key.pem'), notice)
  const certFile = join(folder, 'cert.pem')
  const kept = keptCertificate(certFile)
  if (kept !== undefined && fits(kept, key, wanted, now())) return { cert: kept, key }

  const cert = await makeCertificate(key, wanted, now())
  writePrivateFile(certFile, cert)
  return { cert, key }
}

function normalName(name: string): string {
  const plain = name.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  const label = '[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?'
  const isHostName = new RegExp(`^(\\*\\.)?${label}(\\.${label})*$`).test(plain)
  if (isIP(plain) !== 0 || (isHostName && plain.length <= 253)) return plain
  throw new KeyrackError('invalid', `${JSON.stringify(name)} is not a host name or an address`, {
    hint: 'give names such as console.example.com or 192.0.2.7',
  })
}

function keptKey(file: string, notice: Notice): string {
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    writePrivateFile(file, key)
    return key
  }
  tightenMode(file, 0o600, notice)
  const key = readFileSync(file, 'utf8')
  try {
    createPrivateKey(key)
    return key
  } catch (cause) {
    // Not replaced in silence: every client that pinned it would refuse this server.
    throw new KeyrackError('not-ready', `the TLS key file ${file} is damaged`, {
      hint: 'restore it; or delete it for a new one, which every client has to accept again',
      cause,
    })
  }
}

function keptCertificate(file: string): string | undefined {
  if (!existsSync(file)) return undefined
  const cert = readFileSync(file, 'utf8')
  try {
    new X509Certificate(cert)
    return cert
  } catch {
    return undefined
  }
}

function fits(cert: string, key: string, names: readonly string[], now: number): boolean {
  const certificate = new X509Certificate(cert)
  if (!certificate.checkPrivateKey(createPrivateKey(key))) return false
  if (now > new Date(certificate.validTo).getTime() - RENEW_BEFORE_MS) return false
  const listed = (certificate.subjectAltName ?? '').split(', ')
  return (
    listed.length === names.length &&
    names.every((name) =>
      isIP(name) === 0 ? listed.includes(`DNS:${name}`) : certificate.checkIP(name) !== undefined,
    )
  )
}

async function makeCertificate(
  key: string,
  names: readonly string[],
  now: number,
): Promise<string> {
  // Needed once in ten years, and slow to load.
  const { generate } = await import('selfsigned')
  // A day in the past: the clock of a client may be behind.
  const notBeforeDate = new Date(now - DAY_MS)
  const notAfterDate = new Date(now)
  notAfterDate.setUTCFullYear(notAfterDate.getUTCFullYear() + YEARS)
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString()
  const { cert } = await generate([{ name: 'commonName', value: 'Keyrack' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    keyPair: { privateKey: key, publicKey },
    notBeforeDate,
    notAfterDate,
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: names.map((name) =>
          isIP(name) === 0 ? { type: 2 as const, value: name } : { type: 7 as const, ip: name },
        ),
      },
    ],
  })
  return cert
}
