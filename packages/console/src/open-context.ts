import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { mintToken } from '@keyrack/secrets'
import {
  createMetrics,
  type Logger,
  lockFolder,
  openKeyring,
  openStore,
  type Store,
} from '@keyrack/server'
import { PasswordWork } from './accounts/password-work.ts'
import { RefusedSignIns } from './accounts/refused-sign-ins.ts'
import { SignInThrottle } from './accounts/sign-in-throttle.ts'
import { AuditLog } from './audit/audit-log.ts'
import type { ConsoleConfig } from './config.ts'
import { consoleId } from './console-id.ts'
import type { ConsoleContext } from './context.ts'
import { canaryRow } from './database/canary-row.ts'
import { createCommit } from './database/commit.ts'
import { MIGRATIONS } from './database/migrations.ts'
import type { Database } from './database/schema.ts'
import { type ConsoleDirectory, createDirectory } from './directory.ts'
import { ALWAYS_FRESH, DirectoryFollower, type Freshness } from './follow-directory.ts'
import { LastUses } from './key-uses/last-uses.ts'
import { removeOperatorAccess } from './operator/operator-access.ts'
import { createRackRolls } from './rack-rolls/create-rack-rolls.ts'
import type { Point } from './rack-rolls/point.ts'

/** What has to be closed again, oldest first. */
export type Closing = Array<() => Promise<void> | void>

/** Data, keys and what is kept in memory: everything that domain functions work with. */
export async function openContext(
  config: ConsoleConfig,
  log: Logger,
  closing: Closing,
  point?: Point,
): Promise<ConsoleContext> {
  const notice = (text: string): void => log.warn(text)
  const folder = join(config.dataDir, 'console')
  const lock = lockFolder(folder, 'Console')
  closing.push(() => lock.release())
  // Left by a server that was killed; its port may be somebody else's by now.
  removeOperatorAccess(folder)

  const { databaseUrl } = config
  const file = join(folder, 'db')
  if (databaseUrl !== undefined && existsSync(file)) {
    notice(`DATABASE_URL is set, so the accounts in ${file} are not used`)
  }
  const place = databaseUrl === undefined ? { file } : { url: databaseUrl }
  const store = await openStore<Database>({ ...place, migrations: MIGRATIONS, notice })
  closing.push(() => store.close())
  const canary = canaryRow(store)
  // Each of several Consoles would make a key of its own, and all but one would open nothing.
  const mayCreate = databaseUrl === undefined
  const keyring = await openKeyring({ folder: config.keyDir, mayCreate, canary, notice })

  const directory = createDirectory(store)
  const freshness = await follow(store, directory, log, closing)
  const owner = store.shared === undefined ? '' : consoleId(folder)
  const audit = new AuditLog(store, Date.now, owner)
  const interrupted = await audit.finishInterrupted()
  if (interrupted > 0) log.warn({ interrupted }, 'writes cut off by the last stop are recorded')

  const clock = Date.now
  const commit = createCommit(store, directory)
  const domain = { store, commit, directory, audit, clock, freshness }
  const rolls = createRackRolls({ domain, keyring, config, log, consoleId: owner, point })
  const refusedSignIns = new RefusedSignIns(audit, log)
  closing.push(() => refusedSignIns.flush())

  const uses = new LastUses({ ...domain, log })
  closing.push(() => uses.stop())

  return {
    ...domain,
    config,
    keyring,
    log,
    rolls,
    uses,
    throttle: new SignInThrottle(),
    refusedSignIns,
    passwords: new PasswordWork(),
    setupToken: config.exposed && directory.empty ? mintToken(32) : undefined,
    metrics: createMetrics(),
    ready: () => store.check(),
  }
}

/** Loads the directory and, where other Consoles write too, keeps it theirs. */
async function follow(
  store: Store<Database>,
  directory: ConsoleDirectory,
  log: Logger,
  closing: Closing,
): Promise<Freshness> {
  if (store.shared === undefined) {
    await directory.refresh()
    return ALWAYS_FRESH
  }
  const follower = new DirectoryFollower({ store, directory, log })
  closing.push(() => follower.stop())
  await follower.start()
  return follower
}
