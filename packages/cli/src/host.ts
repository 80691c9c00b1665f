import { UsageError } from './failures.ts'

export interface Host {
  /** How the host is stored and shown: `localhost:3443`; with `http://` in front when it is plain. */
  name: string
  /** Where requests go. */
  url: string
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/**
 * Reads what a person typed after `login`: a host, a host with a port, or the address of a
 * Console's page. The URL parser lower-cases names and writes addresses in their one usual form,
 * so that one server has one entry.
 */
export function parseHost(text: string): Host {
  const typed = text.trim()
  const url = parseUrl(typed)
  if (url === undefined) throw refuse(typed)
  if (url.username !== '' || url.password !== '') {
    throw new UsageError(
      'a key does not belong into the host',
      'give it when asked, or with --password-stdin',
    )
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.port === '0') {
    throw refuse(typed)
  }
  if (url.protocol === 'https:') return { name: url.host, url: `https://${url.host}` }
  if (url.protocol !== 'http:') throw refuse(typed)
  if (!LOOPBACK.test(url.hostname)) {
    throw new UsageError(
      `${url.host} would get your key without encryption`,
      'use https; plain http is only for this machine itself',
    )
  }
  return { name: `http://${url.host}`, url: `http://${url.host}` }
}

function parseUrl(typed: string): URL | undefined {
  // The parser drops tabs and line breaks silently and reads a backslash as a slash.
  if (typed === '' || typed.startsWith('-') || /[\s\\]/.test(typed)) return undefined
  const bare = /^[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:.]*$/i.test(typed) ? `[${typed}]` : typed
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(bare) ? bare : `https://${bare}`
  return URL.canParse(address) ? new URL(address) : undefined
}

function refuse(typed: string): UsageError {
  const shown = typed.length > 100 ? `${typed.slice(0, 100)}…` : typed
  return new UsageError(
    `"${shown}" is not a host`,
    'give a name and perhaps a port, as in: convox login console.example.com:3443',
  )
}
