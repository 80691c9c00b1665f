import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { KeyrackError } from '@keyrack/protocol'
import { Secret } from '@keyrack/secrets'

/** A `postgres://` address, taken apart. Everything is explicit: nothing is left to PGHOST and its like. */
export interface PostgresServer {
  /** A host name, an address, or the folder of a socket. */
  host: string
  port: number
  user: string
  password: Secret
  database: string
  tls: false | ConnectionOptions
  /** For messages: host, port and database, never user or password. */
  name: string
}

const PARAMETERS = ['host', 'sslmode', 'sslrootcert'] as const
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]', '::1'])

/**
 * Reads DATABASE_URL. Beyond this machine the connection is encrypted and the server's certificate
 * verified unless `sslmode=disable` says otherwise: what travels are key hashes and sealed keys.
 */
export function parsePostgresUrl(text: Secret): PostgresServer {
  const url = URL.canParse(text.reveal()) ? new URL(text.reveal()) : undefined
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw wrong('it is not an address')
  }
  for (const name of url.searchParams.keys()) {
    if (!PARAMETERS.some((known) => known === name)) {
      throw wrong(
        `of the parameters after the question mark only ${PARAMETERS.join(', ')} are known`,
      )
    }
  }
  const host = url.searchParams.get('host') ?? decoded(url.hostname)
  const user = decoded(url.username)
  const database = decoded(url.pathname.slice(1))
  if (host === '') throw wrong('it names no host')
  if (user === '') throw wrong('it names no user')
  if (database === '' || database.includes('/')) throw wrong('it names no database')
  const port = url.port === '' ? 5432 : Number(url.port)
  return {
    host: host.replace(/^\[(.*)\]$/, '$1'),
    port,
    user,
    password: Secret.of(decoded(url.password)),
    database,
    tls: tlsOf(url, host),
    name: host.startsWith('/') ? `${database} in ${host}` : `${database} at ${host}:${port}`,
  }
}

function tlsOf(url: URL, host: string): false | ConnectionOptions {
  const local = host.startsWith('/') || LOOPBACK.has(host)
  const file = url.searchParams.get('sslrootcert')
  const mode =
    url.searchParams.get('sslmode') ?? (local && file === null ? 'disable' : 'verify-full')
  if (mode === 'disable') {
    if (file === null) return false
    throw wrong('sslrootcert is of no use with sslmode=disable')
  }
  if (mode !== 'verify-full') throw wrong('sslmode must be verify-full or disable')
  if (file === null) return { rejectUnauthorized: true }
  try {
    return { rejectUnauthorized: true, ca: readFileSync(file, 'utf8') }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown reason'
    throw wrong(`sslrootcert names ${file}, which cannot be read (${code})`)
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw wrong(
      'a percent sign in it is not followed by two hexadecimal digits; write it as its code',
    )
  }
}

/** Never with any part of the value: it holds a password. */
function wrong(what: string): KeyrackError {
  return new KeyrackError('invalid', `DATABASE_URL is wrong: ${what}`, {
    hint: 'it has the form postgres://user:password@host:5432/database, with sslmode and sslrootcert if needed',
  })
}
