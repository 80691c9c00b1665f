import type { RackSummary } from '@keyrack/protocol/resources'
import { readActiveHost, readKeys, readPin } from './config-folder/login-state.ts'
import { connectTo } from './connect.ts'
import type { Context } from './context.ts'
import { parseHost } from './host.ts'
import { fetchRacks } from './list-racks.ts'
import { checkedRackName, rackName } from './rack-name.ts'

export interface RackElsewhere {
  host: string
  name: string
  entry: RackSummary
}

/**
 * The Racks of the Consoles that are logged in to and that commands do not go to now, as far as
 * they answer: for who is at no Console. `local` are the hosts that are no Consoles.
 */
export async function racksElsewhere(
  context: Context,
  local: ReadonlySet<string>,
): Promise<RackElsewhere[]> {
  const { folder, terminal } = context
  const active = readActiveHost(folder)
  const others = [...readKeys(folder)].filter(([host]) => host !== active && !local.has(host))
  const lists = await Promise.all(
    others.map(async ([host, key]) => {
      try {
        const target = { host: parseHost(host), key, keySource: 'file' } as const
        const connection = await connectTo(context, { ...target, pin: readPin(folder, host) })
        const fetched = await fetchRacks(connection)
        return (fetched?.racks ?? []).map((entry) => {
          return { host, name: checkedRackName(rackName(entry), host), entry }
        })
      } catch (error) {
        if (!(error instanceof Error)) throw error
        terminal.note(`${host} is left out: ${error.message}`)
        return []
      }
    }),
  )
  return lists.flat()
}
