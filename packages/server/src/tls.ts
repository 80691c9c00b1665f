import { createHash, X509Certificate } from 'node:crypto'
import { KeyrackError } from '@keyrack/protocol'
import { Secret } from '@keyrack/secrets'
import { readCertificateFiles } from './certificate-files.ts'
import { generatedCertificate } from './generated-certificate.ts'
import type { Notice } from './private-folder.ts'

export interface Certificate {
  /** PEM, with the issuers if there are any. */
  cert: string
  key: Secret
  /** SHA-256 of the certificate (DER), lower-case hex: what a client pins. */
  fingerprint: string
  /** SHA-256 of its public key (SPKI); stays when the certificate is made anew. */
  keyFingerprint: string
  notAfter: Date
  /** Reads the files again (on SIGHUP); throws, changing nothing, when they are not usable. */
  reload(): Promise<Certificate>
}

export interface CertificateOptions {
  /** Where a generated certificate and its key are kept. */
  folder: string
  /** Host names and addresses besides localhost, 127.0.0.1 and ::1. */
  names: readonly string[]
  /** The operator's own pair (TLS_CERT_FILE and TLS_KEY_FILE); both or none. */
  certFile?: string | undefined
  keyFile?: string | undefined
  notice?: Notice
  now?: () => number
}

/** The certificate a server shows: the operator's, or one that it made itself. */
export async function loadCertificate(options: CertificateOptions): Promise<Certificate> {
  const { folder, names, certFile, keyFile, notice = () => {}, now = Date.now } = options
  if (certFile === undefined && keyFile !== undefined) throw half('TLS_KEY_FILE', 'TLS_CERT_FILE')
  if (certFile !== undefined && keyFile === undefined) throw half('TLS_CERT_FILE', 'TLS_KEY_FILE')
  const { cert, key } =
    certFile === undefined || keyFile === undefined
      ? await generatedCertificate(folder, names, now, notice)
      : readCertificateFiles(certFile, keyFile, now)

  const leaf = new X509Certificate(cert)
  return {
    cert,
    key: Secret.of(key),
    fingerprint: sha256(leaf.raw),
    keyFingerprint: sha256(leaf.publicKey.export({ type: 'spki', format: 'der' })),
    notAfter: new Date(leaf.validTo),
    reload: () => loadCertificate(options),
  }
}

function half(set: string, missing: string): KeyrackError {
  return new KeyrackError('invalid', `${set} is set, but ${missing} is not`, {
    hint: 'set both, or none for a certificate that the server makes itself',
  })
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
