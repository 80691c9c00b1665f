export { CANARY_PLACE, type CanaryRow, checkCanary, openKeyring } from './canary.ts'
export { childEnvironment } from './child-environment.ts'
export { type ErrorAnswer, errorResponse } from './error-response.ts'
export { lockFolder } from './folder-lock.ts'
export { type GracefulStop, onStop, type StopOptions } from './graceful-stop.ts'
export { createHealth, type Health, type HealthAnswer } from './health.ts'
export {
  type KeyFolderOptions,
  keyNeeded,
  loadKeyring,
  readMasterKeys,
  retireMasterKey,
  writeMasterKey,
  writeWrappedMasterKey,
} from './key-folder.ts'
export { KeyThrottle } from './key-throttle.ts'
export { type Listening, type ListenOptions, listen } from './listen.ts'
export { createLogger, type LogDestination, type Logger, type LogLevel } from './log.ts'
export { openLogFile } from './log-file.ts'
export { type Migration, type MigrationReport, migrate } from './migrations.ts'
export { networkOf } from './network-of.ts'
export {
  type OperatorListener,
  type OperatorRoute,
  openOperatorListener,
} from './operator-listener.ts'
export { isPostgres } from './postgres/is-postgres.ts'
export { parsePostgresUrl } from './postgres/postgres-url.ts'
export { folderFailure, type Notice, privateFolder, syncFolder } from './private-folder.ts'
export { requestId } from './request-id.ts'
export {
  duration,
  flag,
  folder,
  list,
  oneOf,
  port,
  required,
  type Setting,
  SettingProblem,
  secretText,
  text,
  wholeNumber,
} from './setting-kinds.ts'
export {
  readSettings,
  type Settings,
  type SettingsReportLine,
  type SettingsSource,
  settingsReport,
} from './settings.ts'
export { type InspectedStore, inspectStore } from './sqlite/inspect-store.ts'
export { inspectSharedStore } from './store/inspect-shared-store.ts'
export { isUniqueViolation } from './store/is-unique-violation.ts'
export { openStore, type StorePlace } from './store/open-store.ts'
export type { Listener, SharedStore, Store, Subscription } from './store/store.ts'
export { type Certificate, type CertificateOptions, loadCertificate } from './tls.ts'
export { writePrivateFile } from './write-private-file.ts'
