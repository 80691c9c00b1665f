import { hostname } from 'node:os'
import { join } from 'node:path'
import { mintToken } from '@keyrack/secrets'
import type { Logger, Store } from '@keyrack/server'
import { createMetrics } from '@keyrack/server/metrics'
import { PasswordWork } from './accounts/password-work.ts'
import { RefusedSignIns } from './accounts/refused-sign-ins.ts'
import { SignInThrottle } from './accounts/sign-in-throttle.ts'
import { AuditLog } from './audit/audit-log.ts'
import type { ConsoleConfig } from './config.ts'
import { consoleId } from './console-id.ts'
import type { ConsoleContext } from './context.ts'
import { createCommit } from './database/commit.ts'
import type { Database } from './database/schema.ts'
import { type ConsoleDirectory, createDirectory } from './directory.ts'
import { ALWAYS_FRESH, DirectoryFollower, type Freshness } from './follow-directory.ts'
import { LastUses } from './key-uses/last-uses.ts'
import { consoleIdentity } from './rack-rolls/console-identity.ts'
import { createRackRolls } from './rack-rolls/create-rack-rolls.ts'
import type { Point } from './rack-rolls/point.ts'
import {
  type MasterKeyHolders,
  ONLY_HOLDER,
  openMasterKeyHolders,
} from './vault/master-key-holders.ts'
import { openLedger } from './vault/open-ledger.ts'
import { type Closing, openVault } from './vault/open-vault.ts'
import { pauseOf } from './vault/pause.ts'
import { requireMasterKeys } from './vault/require-master-keys.ts'

export type { Closing } from './vault/open-vault.ts'

/** Data, keys and what is kept in memory: everything that domain functions work with. */
export async function openContext(
  config: ConsoleConfig,
  log: Logger,
  closing: Closing,
  point?: Point,
  clock: () => number = Date.now,
): Promise<ConsoleContext> {
  const { store, keyring } = await openVault(config, log, closing)
  const folder = join(config.dataDir, 'console')
  const ledger = await openLedger(store, keyring, config, log)
  await requireMasterKeys(store, keyring, ledger, config.keyDir)
  const directory = createDirectory(store, ledger)
  const freshness = await follow(store, directory, log, closing)
  const owner = store.shared === undefined ? '' : consoleId(folder)
  const holders = await holdersOf({ store, keyring, config, log, owner }, closing)
  const audit = new AuditLog(store, clock, owner)
  const interrupted = await audit.finishInterrupted()
  if (interrupted > 0) log.warn({ interrupted }, 'writes cut off by the last stop are recorded')

  const paused = await pauseOf(store.db)
  if (paused !== undefined) {
    log.warn({ paused }, 'no scheduled roll is begun until you have run: keyrack-console reconcile')
  }

  const refusedSignIns = new RefusedSignIns(audit, log)
  closing.push(() => refusedSignIns.flush())
  const commit = createCommit(store, directory, ledger)
  const identity = await consoleIdentity({ store, clock }, keyring)
  const domain = { store, commit, ledger, directory, audit, clock, freshness }
  const rolls = createRackRolls({ domain, keyring, identity, config, log, consoleId: owner, point })

  const uses = new LastUses({ ...domain, log })
  closing.push(() => uses.stop())

  return {
    ...domain,
    config,
    keyring,
    holders,
    identity,
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

/** On a shared database, follows KEY_DIR and tells the others what is in it. */
async function holdersOf(
  options: Pick<ConsoleContext, 'store' | 'keyring' | 'config' | 'log'> & { owner: string },
  closing: Closing,
): Promise<MasterKeyHolders> {
  const { store, keyring, config, log, owner } = options
  if (store.shared === undefined) return ONLY_HOLDER
  const holders = await openMasterKeyHolders({
    id: owner,
    name: `${hostname()}:${config.dataDir}`,
    store,
    keyring,
    keyDir: config.keyDir,
    log,
  })
  closing.push(() => holders.stop())
  return holders
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
