import { Secret } from '@keyrack/secrets/secret'

/** Official v2 Racks take 50 characters, v3 64; tokens are longer. Nothing real comes near this. */
const CREDENTIAL_BYTES_MAX = 4096

export interface BasicCredential {
  user: string
  /**
   * What the sender may have meant, without repetition: the password as it stands, then
   * percent-decoded, then also with each plus as a space. Official v2 and v3 CLIs send it escaped,
   * a plus unchanged and a space as a plus (protocol.md 0.1 item 1).
   */
  candidates: Secret[]
}

/** The `Authorization` value for a password, sent raw as Racks compare it raw. */
export function basicHeader(password: Secret, user = 'convox'): Secret {
  const userinfo = Buffer.from(`${user}:${password.reveal()}`, 'utf8')
  return Secret.of(`Basic ${userinfo.toString('base64')}`)
}

/**
 * Reads an `Authorization` header; undefined when it is absent, too long, not Basic, not base64 or
 * not UTF-8.
 */
export function parseBasic(header: string | undefined): BasicCredential | undefined {
  if (header === undefined || header.length > CREDENTIAL_BYTES_MAX) return undefined
  const [, encoded] = /^basic +([A-Za-z0-9+/_-]+)={0,2} *$/i.exec(header) ?? []
  if (encoded === undefined || encoded.length % 4 === 1) return undefined
  const userinfo = decodeUtf8(Buffer.from(encoded, 'base64'))
  const colon = userinfo?.indexOf(':') ?? -1
  if (userinfo === undefined || colon < 0) return undefined
  const password = userinfo.slice(colon + 1)
  const readings = [password, percentDecoded(password), percentDecoded(spaced(password))]
  const candidates = new Set(readings.filter((reading) => reading !== undefined))
  return { user: userinfo.slice(0, colon), candidates: [...candidates].map(Secret.of) }
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function spaced(text: string): string {
  return text.replaceAll('+', ' ')
}

function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
