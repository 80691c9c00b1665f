import type { Secret } from '@keyrack/secrets'

export interface Certificate {
  cert: string
  key: Secret
  /** SHA-256 of the certificate (DER), lower-case hex: what a client pins. */
  fingerprint: string
  notAfter: Date
  /** Reads the files again; throws, changing nothing, when the new pair is not usable. */
  reload(): Promise<Certificate>
}

export interface CertificateOptions {
  folder: string
  names: readonly string[]
  certFile?: string
  keyFile?: string
  now?: () => number
}

export function loadCertificate(_options: CertificateOptions): Promise<Certificate> {
  throw new Error('not written yet')
}
