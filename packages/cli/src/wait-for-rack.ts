import type { System } from '@keyrack/protocol/resources'
import type { Connection } from './connect.ts'
import { Failure } from './failures.ts'
import type { Terminal } from './terminal.ts'

const POLL_MS = 1_000
/** As long as official command lines wait: a cloud may replace many machines one by one. */
const GIVE_UP_MS = 35 * 60_000
/** States that nothing leads out of without somebody. */
const LOST = ['rollback', 'failed', 'deleting']

export async function readSystem(connection: Connection): Promise<System> {
  const { System } = await import('@keyrack/protocol/resources')
  return connection.get('/system', (value) => System.parse(value))
}

/**
 * Asks until the Rack has said twice in a row that it runs, since official Racks say so for a moment
 * before they begin. One failed question is forgiven: a Rack may restart itself meanwhile.
 */
export function waitForRack(terminal: Terminal, connection: Connection): Promise<void> {
  return terminal.progress('Waiting for the Rack', async () => {
    const end = performance.now() + GIVE_UP_MS
    let failedBefore = false
    for (let running = 0; ; ) {
      let status = ''
      try {
        status = (await readSystem(connection)).status
        failedBefore = false
      } catch (error) {
        if (failedBefore) throw error
        failedBefore = true
      }
      running = status === 'running' ? running + 1 : 0
      if (running === 2) return
      if (LOST.includes(status)) {
        throw new Failure(`the status of the Rack is ${status}`, 'see why: convox rack logs')
      }
      if (performance.now() > end) {
        throw new Failure(`the Rack is still ${status} after 35 minutes`, 'see: convox rack logs')
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  })
}
