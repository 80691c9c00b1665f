import type { Permission } from '@keyrack/protocol'
import type { Keyring, Secret } from '@keyrack/secrets'
import type { Logger, Store } from '@keyrack/server'
import type { Metrics } from '@keyrack/server/metrics'
import type { Transaction } from 'kysely'
import type { PasswordWork } from './accounts/password-work.ts'
import type { RefusedSignIns } from './accounts/refused-sign-ins.ts'
import type { SignInThrottle } from './accounts/sign-in-throttle.ts'
import type { AuditLog } from './audit/audit-log.ts'
import type { ConsoleConfig } from './config.ts'
import type { Database } from './database/schema.ts'
import type { Directory } from './directory.ts'
import type { Freshness } from './follow-directory.ts'
import type { LastUses } from './key-uses/last-uses.ts'
import type { ConsoleIdentity } from './rack-rolls/console-identity.ts'
import type { RackRolls } from './rack-rolls/rack-rolls.ts'
import type { CredentialLedger } from './vault/credential-ledger.ts'
import type { MasterKeyHolders } from './vault/master-key-holders.ts'

export type { Permission }

/** A transaction on the Console's database: what every writing domain function works on. */
export type Tx = Transaction<Database>

/** Who and what is behind one call of a domain function: it goes into the audit rows. */
export interface RequestContext {
  requestId: string
  /** The caller's address, after `TRUSTED_PROXIES` has been applied. */
  address: string
}

/**
 * What domain functions work with. `commit` is the only way to write what the directory shows:
 * it loads the next snapshot inside the same transaction and swaps it in once that is durable, so
 * no write can forget to do so. (Sessions and audit rows are not in the directory; they use
 * `store.transaction`.)
 */
export interface Domain {
  store: Store<Database>
  commit<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  directory: Directory
  /** Whether the directory may be believed, when other Consoles write to the same database. */
  freshness: Freshness
  /** What was written to the tables of credentials; written through `vault/write-credential.ts`. */
  ledger: CredentialLedger
  audit: AuditLog
  log: Logger
  /** Now, in milliseconds since 1970. */
  clock: () => number
  throttle: SignInThrottle
  refusedSignIns: RefusedSignIns
  passwords: PasswordWork
  /** Needed for the first account when somebody beyond this machine could reach the sign-up form. */
  setupToken: Secret | undefined
}

/** What `http/` and `proxy/` receive. */
export interface ConsoleContext extends Domain {
  config: ConsoleConfig
  keyring: Keyring
  /** Which Consoles of this database have which master keys. */
  holders: MasterKeyHolders
  /** As whom this installation signs: what its Racks and its auditors know it by. */
  identity: ConsoleIdentity
  metrics: Metrics
  rolls: RackRolls
  uses: LastUses
  /** Fails when the Console cannot serve; `/readyz` of the public listeners asks it too. */
  ready: () => Promise<void>
}
