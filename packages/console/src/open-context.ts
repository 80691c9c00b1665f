import { join } from 'node:path'
import { mintToken } from '@keyrack/secrets'
import { createMetrics, type Logger, lockFolder, openKeyring, openStore } from '@keyrack/server'
import { PasswordWork } from './accounts/password-work.ts'
import { SignInThrottle } from './accounts/sign-in-throttle.ts'
import { AuditLog } from './audit/audit-log.ts'
import type { ConsoleConfig } from './config.ts'
import type { ConsoleContext } from './context.ts'
import { canaryRow } from './database/canary-row.ts'
import { createCommit } from './database/commit.ts'
import { MIGRATIONS } from './database/migrations.ts'
import type { Database } from './database/schema.ts'
import { createDirectory } from './directory.ts'
import { removeOperatorAccess } from './operator/operator-access.ts'

/** What has to be closed again, oldest first. */
export type Closing = Array<() => Promise<void> | void>

/** Data, keys and what is kept in memory: everything that domain functions work with. */
export async function openContext(
  config: ConsoleConfig,
  log: Logger,
  closing: Closing,
): Promise<ConsoleContext> {
  const notice = (text: string): void => log.warn(text)
  const folder = join(config.dataDir, 'console')
  const lock = lockFolder(folder, 'Console')
  closing.push(() => lock.release())
  // Left by a server that was killed; its port may be somebody else's by now.
  removeOperatorAccess(folder)

  const file = join(folder, 'db')
  const store = await openStore<Database>({ file, migrations: MIGRATIONS, notice })
  closing.push(() => store.close())
  const canary = canaryRow(store)
  const keyring = await openKeyring({ folder: config.keyDir, mayCreate: true, canary, notice })

  const directory = createDirectory(store)
  await directory.refresh()
  const audit = new AuditLog(store)
  const interrupted = await audit.finishInterrupted()
  if (interrupted > 0) log.warn({ interrupted }, 'writes cut off by the last stop are recorded')

  return {
    config,
    store,
    commit: createCommit(store, directory),
    keyring,
    directory,
    audit,
    log,
    clock: Date.now,
    throttle: new SignInThrottle(),
    passwords: await PasswordWork.create(),
    setupToken: config.exposed && directory.empty ? mintToken(32) : undefined,
    metrics: createMetrics(),
    ready: () => store.check(),
  }
}
