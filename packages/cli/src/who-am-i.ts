import type { Connection } from './connect.ts'
import { Failure } from './failures.ts'
import { shortTime } from './short-time.ts'

/**
 * Proves a key with `GET /auth`. A good answer is a JSON object, the text ok, or nothing
 * (protocol.md 1.4); a page is what captive portals and wrong ports answer. Gives the server's time,
 * where it tells it.
 */
export async function proveKey(connection: Connection): Promise<string | undefined> {
  const { status, headers, body } = await connection.request('GET', '/auth')
  if ((status === 200 || status === 204) && isGoodAnswer(body.trim())) return headers.date
  throw new Failure(
    `${connection.target.host.name} answers, but neither like a Console nor like a Rack`,
    'check the host and the port',
  )
}

/** `ada@example.com (acme)`, or what the key is where it is no person's; undefined where the server cannot tell, as official ones cannot. */
export async function whoAmI(connection: Connection): Promise<string | undefined> {
  try {
    return await connection.get('/api/account', describeAccount)
  } catch {
    return undefined
  }
}

function isGoodAnswer(body: string): boolean {
  if (body === '' || body.toLowerCase() === 'ok') return true
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null && !('error' in value)
  } catch {
    return false
  }
}

function describeAccount(value: unknown): string | undefined {
  if (!isRecord(value)) return undefined
  const list = Array.isArray(value.organizations) ? value.organizations : []
  const names = list
    .map((entry: unknown) => (isRecord(entry) ? entry.name : entry))
    .filter((name) => typeof name === 'string')
  if (isRecord(value.deploy_key)) return describeDeployKey(value.deploy_key, names)
  if (typeof value.email !== 'string') return undefined
  return names.length === 0 ? value.email : `${value.email} (${names.join(', ')})`
}

function describeDeployKey(key: Record<string, unknown>, organizations: string[]): string {
  const commands = Array.isArray(key.commands) ? key.commands.join(', ') : 'a few commands'
  const until = typeof key.expires_at === 'string' ? `, until ${shortTime(key.expires_at)}` : ''
  return `the deploy key ${String(key.name)} of ${organizations.join(', ')}, good for ${commands}${until}`
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
