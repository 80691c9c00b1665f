import { Secret } from '@keyrack/secrets/secret'

/** Official v2 Racks take 50 characters, v3 64; tokens are longer. Nothing real comes near this. */
const CREDENTIAL_BYTES_MAX = 4096

export interface BasicCredential {
  user: string
  /**
   * What the sender may have meant: the password as it stands, then its percent-decoded form
   * when that differs (official v2 and v3 CLIs send it escaped; protocol.md 0.1 item 1).
   */
  candidates: Secret[]
}

/** The `Authorization` value for a password, sent raw as Racks compare it raw. */
export function basicHeader(password: Secret, user = 'convox'): Secret {
  const userinfo = Buffer.from(`${user}:${password.reveal()}`, 'utf8')
  return Secret.of(`Basic ${userinfo.toString('base64')}`)
}

/** Reads an `Authorization` header; undefined when it is absent, too long or not Basic. */
export function parseBasic(header: string | undefined): BasicCredential | undefined {
  if (header === undefined || header.length > CREDENTIAL_BYTES_MAX) return undefined
  const [, encoded] = /^basic +([A-Za-z0-9+/_-]+={0,2}) *$/i.exec(header) ?? []
  if (encoded === undefined) return undefined
  const userinfo = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = userinfo.indexOf(':')
  if (colon < 0) return undefined
  const password = userinfo.slice(colon + 1)
  const candidates = [Secret.of(password)]
  const decoded = percentDecoded(password)
  if (decoded !== undefined && decoded !== password) candidates.push(Secret.of(decoded))
  return { user: userinfo.slice(0, colon), candidates }
}

function percentDecoded(text: string): string | undefined {
  if (!text.includes('%')) return undefined
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
