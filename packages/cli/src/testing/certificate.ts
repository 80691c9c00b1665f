import { X509Certificate } from 'node:crypto'
import { generate } from 'selfsigned'

export interface TestCertificate {
  cert: string
  key: string
  /** SHA-256 of the certificate, hex. */
  fingerprint: string
}

/** A certificate for this machine that vouches for itself. */
export async function makeCertificate(): Promise<TestCertificate> {
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  })
  const fingerprint = new X509Certificate(made.cert).fingerprint256
    .replaceAll(':', '')
    .toLowerCase()
  return { cert: made.cert, key: made.private, fingerprint }
}
