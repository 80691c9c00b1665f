/**
 * For tests: who may do what on a Rack, written down a second time, from the roles that
 * docs/security.md promises and not from the route table. What is not here is for administrators.
 */
import type { Role } from '../../directory.ts'

const VIEWER = [
  ...['GET /system', 'GET /system/capacity', 'GET /system/metrics', 'GET /system/processes'],
  ...['GET /system/releases', 'SOCKET /system/logs', 'GET /instances', 'GET /apps'],
  ...['GET /apps/{}', 'GET /apps/{}/metrics', 'SOCKET /apps/{}/logs', 'GET /apps/{}/builds'],
  ...['GET /apps/{}/builds/{}', 'SOCKET /apps/{}/builds/{}/logs', 'GET /apps/{}/objects'],
  ...['GET /apps/{}/objects/{...}', 'HEAD /apps/{}/objects/{...}', 'GET /apps/{}/processes'],
  ...['GET /apps/{}/processes/{}', 'SOCKET /apps/{}/processes/{}/logs', 'GET /apps/{}/services'],
  ...['GET /apps/{}/services/{}/metrics', 'SOCKET /apps/{}/services/{}/logs', 'GET /certificates'],
  ...['OPTIONS /resources', 'GET /apps/{}/formation'],
]

const DEVELOPER = [
  ...['DELETE /instances/{}', 'POST /apps', 'PUT /apps/{}', 'DELETE /apps/{}'],
  ...['POST /apps/{}/cancel', 'POST /apps/{}/builds', 'POST /apps/{}/builds/import'],
  ...['PUT /apps/{}/builds/{}', 'POST /apps/{}/objects/{...}', 'DELETE /apps/{}/objects/{...}'],
  ...['DELETE /apps/{}/processes/{}', 'GET /apps/{}/releases', 'POST /apps/{}/releases'],
  ...['GET /apps/{}/releases/{}', 'POST /apps/{}/releases/{}/promote', 'GET /registries'],
  ...['POST /registries', 'DELETE /registries/{...}', 'POST /apps/{}/services/{}/restart'],
  ...['PUT /apps/{}/services/{}', 'PUT /apps/{}/ssl/{}/{}', 'POST /certificates'],
  ...['POST /certificates/generate', 'DELETE /certificates/{}', 'GET /apps/{}/resources'],
  ...['GET /apps/{}/resources/{}', 'GET /resources', 'POST /resources', 'GET /resources/{}'],
  ...['PUT /resources/{}', 'DELETE /resources/{}', 'POST /resources/{}/links'],
  ...['DELETE /resources/{}/links/{}', 'POST /events', 'GET /apps/{}/environment'],
  ...['POST /apps/{}/environment', 'DELETE /apps/{}/environment/{}', 'GET /apps/{}/parameters'],
  'POST /apps/{}/formation/{}',
]

const OPERATOR = [
  ...['SOCKET /instances/{}/shell', 'SOCKET /instances/{}/ssh', 'SOCKET /proxy/{}/{}'],
  ...['SOCKET /apps/{}/processes/{}/exec', 'SOCKET /apps/{}/processes/{}/run'],
  ...['POST /apps/{}/processes/{}/run', 'POST /apps/{}/services/{}/processes'],
  ...['GET /apps/{}/processes/{}/files', 'POST /apps/{}/processes/{}/files'],
  'DELETE /apps/{}/processes/{}/files',
]

/** The commands of docs/security.md, by what they call. */
const DEPLOY = [
  ...['GET /system', 'GET /apps/{}', 'SOCKET /apps/{}/logs', 'GET /apps/{}/builds'],
  ...['POST /apps/{}/builds', 'POST /apps/{}/builds/import', 'GET /apps/{}/builds/{}'],
  ...['SOCKET /apps/{}/builds/{}/logs', 'POST /apps/{}/objects/{...}', 'GET /apps/{}/processes/{}'],
  ...['DELETE /apps/{}/processes/{}', 'POST /apps/{}/services/{}/processes'],
  ...['SOCKET /apps/{}/processes/{}/exec', 'POST /apps/{}/releases'],
  ...['POST /apps/{}/releases/{}/promote', 'SOCKET /apps/{}/services/{}/logs'],
  ...['POST /apps/{}/processes/{}/run', 'SOCKET /apps/{}/processes/{}/run'],
]

/** A Rack's key and its access tokens: for nobody. */
const NEVER = [
  ...['POST /system/jwt/token', 'PUT /system/jwt/rotate'],
  ...['POST /system/key/stage', 'POST /system/key/retire'],
]

/** Reads that run code or change something, and streams that only read. */
const RECORDED_READS = ['GET /apps/{}/processes/{}/files']
const PLAIN_STREAMS = [...VIEWER, ...DEVELOPER].filter((line) => line.startsWith('SOCKET '))

const isOneOf = (lines: readonly string[]) => {
  const patterns = lines.map((line) => {
    const source = line.replaceAll('{...}', '.*').replaceAll('{}', '[^/]+')
    return new RegExp(`^${source}$`)
  })
  return (line: string) => patterns.some((pattern) => pattern.test(line))
}

const [isViewer, isDeveloper, isOperator] = [VIEWER, DEVELOPER, OPERATOR].map(isOneOf)
const [isDeploy, isNever] = [DEPLOY, NEVER].map(isOneOf)
const isRecordedRead = isOneOf(RECORDED_READS)
const isPlainStream = isOneOf(PLAIN_STREAMS)

/** `line`: `GET /path` without query, or `SOCKET /path`. */
export function mayDo(who: Role | 'deploy-key', line: string): boolean {
  if (isNever?.(line)) return false
  if (who === 'deploy-key') return isDeploy?.(line) ?? false
  if (who === 'administrator') return true
  if (isViewer?.(line)) return true
  if (isDeveloper?.(line)) return who !== 'viewer'
  return (isOperator?.(line) ?? false) && who === 'operator'
}

/** Whether doing so leaves its two rows in the audit log. */
export function isOnRecord(line: string): boolean {
  if (line.startsWith('SOCKET ')) return !isPlainStream(line)
  const reads = /^(?:GET|HEAD|OPTIONS) /.test(line)
  const listed = isViewer?.(line) || isDeveloper?.(line) || isOperator?.(line)
  return !reads || isRecordedRead(line) || !listed
}
