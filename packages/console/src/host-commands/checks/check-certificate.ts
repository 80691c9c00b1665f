import { createPrivateKey, X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { KeyrackError } from '@keyrack/protocol'
import type { ConsoleConfig } from '../../config.ts'
import { consoleFolder } from '../running-console.ts'

/** The certificate that command lines are shown: whole, fitting its key, and valid today. */
export function checkCertificate(
  config: Pick<ConsoleConfig, 'dataDir' | 'tlsCertFile' | 'tlsKeyFile'>,
  now: () => number = Date.now,
): string {
  const made = join(consoleFolder(config), 'tls')
  const certFile = config.tlsCertFile ?? join(made, 'cert.pem')
  const keyFile = config.tlsKeyFile ?? join(made, 'key.pem')
  if (config.tlsCertFile === undefined && !existsSync(certFile)) return 'the next start makes one'
  const certificate = parsed(certFile, (text) => new X509Certificate(text))
  const key = parsed(keyFile, (text) => createPrivateKey(text))
  if (!certificate.checkPrivateKey(key)) {
    throw unusable(`${certFile} does not belong to the key in ${keyFile}`)
  }
  const [from, to] = [new Date(certificate.validFrom), new Date(certificate.validTo)]
  if (now() < from.getTime()) throw unusable(`${certFile} is valid only from ${day(from)}`)
  if (now() >= to.getTime()) throw unusable(`${certFile} was valid until ${day(to)}`)
  return `valid until ${day(to)}`
}

function parsed<T>(file: string, read: (text: string) => T): T {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw unusable(`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
  try {
    return read(text)
  } catch (cause) {
    throw unusable(`${file} does not hold what it should`, cause)
  }
}

function unusable(text: string, cause?: unknown): KeyrackError {
  return new KeyrackError('not-ready', text, {
    hint: 'replace it, or unset TLS_CERT_FILE and TLS_KEY_FILE; look at the clock of this machine too',
    cause,
  })
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10)
}
