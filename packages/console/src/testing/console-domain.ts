import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Secret } from '@keyrack/secrets'
import { createLogger } from '@keyrack/server'
import { newPostgresDatabase } from '@keyrack/server/testing'
import { inject, onTestFinished } from 'vitest'
import { type SignedUp, signUp } from '../accounts/sign-up.ts'
import { type ConsoleConfig, readConfig } from '../config.ts'
import type { ConsoleContext } from '../context.ts'
import { createKey } from '../create-key.ts'
import type { AccountEntry } from '../directory.ts'
import { type Closing, openContext } from '../open-context.ts'
import { invite } from '../organizations/invite.ts'

export const REQUEST = { requestId: 'test-request', address: '192.0.2.7' }
/** Long enough for one factor, and on nobody's list. */
export const PASSWORD = 'nine purple lanterns drift'

/** Where steps are left that undo something: at the end of a test, or of a file that shares it. */
export type AtEnd = (step: () => void | Promise<void>) => void

/** A folder that is gone when the test is over. */
export function testFolder(atEnd: AtEnd = onTestFinished): string {
  const folder = mkdtempSync(join(tmpdir(), 'keyrack-console-'))
  atEnd(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function testConfig(dataDir: string, env: Record<string, string> = {}): ConsoleConfig {
  return readConfig({
    env: { PATH: process.env.PATH, DATA_DIR: dataDir, LOG_LEVEL: 'silent', ...env },
  })
}

/** The database of each data folder, so that opening one again finds what was there. */
const databases = new Map<string, Promise<string>>()

/**
 * In the project `postgres` of vitest.config.ts: a database of its own for each data folder, and the
 * master key that a Console does not make there by itself. Nothing for SQLite.
 */
export async function databaseSettings(
  dataDir: string,
  atEnd: AtEnd = onTestFinished,
): Promise<Record<string, string>> {
  if (inject('database') === 'SQLite') return {}
  return postgresSettings(dataDir, atEnd)
}

export async function postgresSettings(
  dataDir: string,
  atEnd: AtEnd = onTestFinished,
): Promise<Record<string, string>> {
  const known = databases.get(dataDir) ?? newPostgresDatabase(atEnd)
  databases.set(dataDir, known)
  const keyDir = join(dataDir, 'console', 'keys')
  if (!existsSync(keyDir)) createKey(keyDir)
  return { DATABASE_URL: await known }
}

export interface TestDomain extends ConsoleContext {
  /** The lines logged so far. */
  lines: string[]
  close(): Promise<void>
}

/** Everything the domain functions work with, on a real database in `folder`. */
export async function openDomain(
  folder: string = testFolder(),
  changes: Partial<ConsoleContext> & { env?: Record<string, string> } = {},
  atEnd: AtEnd = onTestFinished,
): Promise<TestDomain> {
  const { env, ...rest } = changes
  const lines: string[] = []
  const log = createLogger({
    name: 'test',
    level: 'debug',
    destination: { write: (line) => void lines.push(line) },
  })
  const closing: Closing = []
  const close = async (): Promise<void> => {
    for (const step of closing.splice(0).reverse()) await step()
  }
  const settings = { ...(await databaseSettings(folder, atEnd)), ...env }
  atEnd(close)
  const context = await openContext(testConfig(folder, settings), log, closing).catch(
    async (error: unknown) => {
      await close()
      throw error
    },
  )
  return { ...context, ...rest, lines, close }
}

/** The first account, in the organization `acme`. */
export function founder(domain: ConsoleContext): Promise<SignedUp> {
  return signUp(
    domain,
    { email: 'ada@example.com', password: Secret.of(PASSWORD), organization: 'acme' },
    REQUEST,
  )
}

/** A further account that an administrator invited to `acme`. */
export async function invited(
  domain: ConsoleContext,
  inviter: SignedUp,
  email: string,
  role?: string,
): Promise<SignedUp> {
  const invitation = await invite(
    domain,
    entry(domain, inviter.id),
    { organization: inviter.organization.name, role },
    REQUEST,
  )
  const input = { email, password: Secret.of(PASSWORD), invitation: invitation.token.reveal() }
  return signUp(domain, input, REQUEST)
}

export function entry(domain: ConsoleContext, accountId: string): AccountEntry {
  const account = domain.directory.accountById(accountId)
  if (account === undefined) throw new TypeError(`no account ${accountId}`)
  return account
}
