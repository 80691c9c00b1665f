import { parsePin, peerCertificate } from '@keyrack/protocol/client'
import { changedCertificate } from './connect.ts'
import type { Context } from './context.ts'
import { Failure, UsageError } from './failures.ts'
import { findProxy } from './find-proxy.ts'
import type { Host } from './host.ts'

/**
 * Decides, before anything secret is sent, whether the server is the right one. Gives the pin that
 * all requests must find, or undefined where a CA vouches for the server. A fingerprint that was
 * given or accepted before is the only one that will do: it beats a CA, and nobody is asked.
 */
export async function trustCertificate(
  { terminal, environment }: Pick<Context, 'terminal' | 'environment'>,
  host: Host,
  pins: { given: string | undefined; stored: string | undefined },
): Promise<string | undefined> {
  if (host.url.startsWith('http:')) return undefined
  const proxy = findProxy(environment, host.url)
  const certificate = await peerCertificate(host.url, proxy === undefined ? {} : { proxy })
  const { fingerprint, keyFingerprint } = certificate
  const pin = pins.given ?? pins.stored
  if (pin !== undefined) {
    if (pin === fingerprint || pin === keyFingerprint) return pin
    if (pins.given === undefined) throw changedCertificate(host.name, pin, fingerprint)
    throw new Failure(
      `${host.name} shows another certificate than the one you gave\n` +
        `  given: SHA-256 ${pin}\n  shown: SHA-256 ${fingerprint}\n` +
        'nothing was sent',
      'compare both with what the server printed when it started',
    )
  }
  if (certificate.trusted) return undefined
  const asked = `No certificate authority vouches for ${host.name}. Its certificate has the fingerprint\n  SHA-256 ${fingerprint}`
  if (!terminal.canAsk) {
    throw new Failure(
      `${asked}\nand there is no terminal to ask whether that is right`,
      `compare it, then run: convox login ${host.name} --fingerprint ${fingerprint}`,
    )
  }
  if (await terminal.confirm(`${asked}\nTrust this certificate?`)) return fingerprint
  throw new Failure(
    `the certificate of ${host.name} was not accepted; nothing was sent or stored`,
    `ask the server's owner for its fingerprint, then run: convox login ${host.name} --fingerprint HEX`,
  )
}

/** Reads `--fingerprint`. */
export function parseFingerprint(text: string): string {
  try {
    return parsePin(text)
  } catch {
    throw new UsageError(
      `"${text.slice(0, 100)}" is not a fingerprint`,
      'give the SHA-256 of the certificate as 64 hex digits, as the server printed it',
    )
  }
}
