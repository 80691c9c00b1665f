import type { RackSummary } from '@keyrack/protocol/resources'
import type { Connection } from './connect.ts'

export interface RackList {
  racks: RackSummary[]
  /** The answer as it came. */
  raw: unknown
  /** The host is a Rack itself, which has no list (protocol.md 2.1). */
  direct: boolean
}

/** `GET /racks`; undefined where the host is a Rack itself. */
export async function fetchRacks(
  connection: Connection,
): Promise<{ racks: RackSummary[]; raw: unknown } | undefined> {
  const { RackSummaries } = await import('@keyrack/protocol/resources')
  try {
    return await connection.get('/racks', (value) => {
      const raw = value ?? []
      return { racks: RackSummaries.parse(raw), raw }
    })
  } catch (error) {
    if (isNoConsole(error)) return undefined
    throw error
  }
}

/** As above, but a Rack logged in to directly is a list of one, with the host as its name. */
export async function listRacks(connection: Connection): Promise<RackList> {
  const fetched = await fetchRacks(connection)
  if (fetched !== undefined) return { ...fetched, direct: false }
  const { RackSummary, System } = await import('@keyrack/protocol/resources')
  const { status, provider, version } = await connection.get('/system', (value) =>
    System.parse(value),
  )
  const entry = { name: connection.target.host.name, status, provider, version }
  return { racks: [RackSummary.parse(entry)], raw: [entry], direct: true }
}

/** v2 and v3 Racks answer an empty 404, gen1 Racks 403. */
function isNoConsole(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false
  return (
    error.code === 'not-found' || (error.code === 'forbidden' && /console/i.test(error.message))
  )
}
