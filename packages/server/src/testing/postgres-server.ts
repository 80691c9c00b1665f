import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

const DEBIAN = '/usr/lib/postgresql'
/** The one user who is asked for a password; a test makes it. */
export const PASSWORD_USER = 'password_user'
const STARTS_IN_MS = 60_000
/** A server that does not stop must not keep the run from ending. */
const STOPS_IN_MS = 20_000

export interface PostgresServerProcess {
  /** Of the database `postgres`, as the superuser, without a password: `trust` on loopback. */
  url: string
  folder: string
  process: ChildProcess
  stop(): Promise<void>
}

/** Where Debian's package puts initdb and postgres: not on PATH. Undefined: not installed. */
export function postgresPrograms(): string | undefined {
  if (!existsSync(DEBIAN)) return undefined
  return readdirSync(DEBIAN)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(DEBIAN, version, 'bin'))
    .find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))
}

/**
 * A PostgreSQL server of our own in a temporary folder, on a free loopback port. It refuses to run
 * as the superuser of the machine, so it then runs as the user that its package has made.
 */
export async function startPostgres(
  settings: readonly string[] = [],
): Promise<PostgresServerProcess> {
  const programs = postgresPrograms()
  if (programs === undefined) throw new Error('PostgreSQL is not installed')
  const folder = mkdtempSync(join(tmpdir(), 'keyrack-postgres-'))
  const user = process.getuid?.() === 0 ? userOf('postgres') : undefined
  if (user !== undefined) chownSync(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  const run = { ...user, cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' } }
  execFileSync(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'],
    { ...run, stdio: 'pipe', timeout: STARTS_IN_MS },
  )
  const rules = join(data, 'pg_hba.conf')
  const asked = `host all ${PASSWORD_USER} 127.0.0.1/32 scram-sha-256\n`
  writeFileSync(rules, asked + readFileSync(rules, 'utf8'))
  const port = await freePort()
  const server = spawn(
    join(programs, 'postgres'),
    [
      ...['-D', data, '-p', String(port), '-k', folder, '-h', '127.0.0.1'],
      // The power-cut tests are SQLite's; here the disk's flush would only cost time.
      ...['-c', 'fsync=off', '-c', 'max_connections=300', '-c', 'log_min_messages=panic'],
      ...settings.flatMap((setting) => ['-c', setting]),
    ],
    { ...run, stdio: 'ignore' },
  )
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()))
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  const stop = async (): Promise<void> => {
    // "Immediate" shutdown: the folder is thrown away.
    server.kill('SIGQUIT')
    const gone = await Promise.race([ended, sleep(STOPS_IN_MS, 'not yet', { ref: false })])
    if (gone === 'not yet') server.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await answering(url, server)
  } catch (error) {
    await stop()
    throw error
  }
  return { url, folder, process: server, stop }
}

async function answering(url: string, server: ChildProcess): Promise<void> {
  const end = performance.now() + STARTS_IN_MS
  for (;;) {
    const client = new pg.Client({ connectionString: url })
    try {
      await client.connect()
      return
    } catch (error) {
      if (server.exitCode !== null || performance.now() > end) throw error
      await sleep(50)
    } finally {
      await client.end().catch(() => undefined)
    }
  }
}

function userOf(name: string): { uid: number; gid: number } {
  const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return address.port
}
