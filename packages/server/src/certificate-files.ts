import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { KeyrackError } from '@keyrack/protocol'

export interface CertificatePair {
  cert: string
  key: string
}

/** Reads a certificate (chain) and its key from the operator's files, or says what is wrong. */
export function readCertificateFiles(
  certFile: string,
  keyFile: string,
  now: () => number,
): CertificatePair {
  const cert = read('certificate', certFile)
  const key = read('key', keyFile)
  const leaf = parseCertificate(cert, certFile)
  const privateKey = parseKey(key, keyFile)
  if (!leaf.checkPrivateKey(privateKey)) {
    throw wrong(
      `the key in ${keyFile} does not belong to the first certificate in ${certFile}`,
      'give the pair that was made together; the own certificate comes first, then its issuers',
    )
  }
  assertInForce(leaf, certFile, now())
  try {
    createSecureContext({ cert, key })
  } catch (cause) {
    throw wrong(`TLS cannot use ${certFile} with ${keyFile}`, 'make a new pair', cause)
  }
  return { cert, key }
}

function read(what: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    const why = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`
    throw wrong(
      `the TLS ${what} file ${file} ${why}`,
      'check TLS_CERT_FILE and TLS_KEY_FILE',
      cause,
    )
  }
}

function parseCertificate(cert: string, file: string): X509Certificate {
  try {
    return new X509Certificate(cert)
  } catch (cause) {
    throw wrong(`${file} holds no certificate`, 'TLS_CERT_FILE takes a file in PEM form', cause)
  }
}

function parseKey(key: string, file: string): KeyObject {
  try {
    return createPrivateKey(key)
  } catch (cause) {
    if (key.includes('ENCRYPTED')) {
      throw wrong(
        `the key in ${file} has a passphrase`,
        'give one without; see: openssl pkey',
        cause,
      )
    }
    throw wrong(`${file} holds no private key`, 'TLS_KEY_FILE takes a file in PEM form', cause)
  }
}

function assertInForce(leaf: X509Certificate, file: string, now: number): void {
  const from = new Date(leaf.validFrom)
  const to = new Date(leaf.validTo)
  if (now > to.getTime()) {
    throw wrong(`the certificate in ${file} ended on ${to.toISOString()}`, 'renew it')
  }
  if (now < from.getTime()) {
    throw wrong(
      `the certificate in ${file} begins only on ${from.toISOString()}`,
      'check the clock of this machine, or give the one that is in force',
    )
  }
}

function wrong(message: string, hint: string, cause?: unknown): KeyrackError {
  return new KeyrackError('invalid', message, { hint, cause })
}
