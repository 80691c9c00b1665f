import type { System } from '@keyrack/protocol/resources'
import { classicParametersPath } from './classic-parameters-path.ts'
import type { Connection } from './connect.ts'
import { isClassic } from './is-classic.ts'
import { readSystem } from './wait-for-rack.ts'

/** The parameters of the Rack. */
export async function readParameters(connection: Connection): Promise<System['parameters']> {
  const system = await readSystem(connection)
  if (!isClassic(system)) return system.parameters
  const { Parameters } = await import('@keyrack/protocol/resources')
  return connection.get(classicParametersPath(system), (value) => Parameters.parse(value))
}
