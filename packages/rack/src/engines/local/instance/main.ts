import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { endMarkedProcesses } from '../process-mark.ts'
import { installAuthorizedKeys } from './authorized-keys.ts'
import { type BootParameters, type BootReport, parseBootParameters } from './boot-messages.ts'
import { loadHostKey } from './host-key.ts'
import type { SessionProcess } from './session-process.ts'
import { createSshServer } from './ssh-server.ts'

/**
 * An instance of the local engine: a process group with its own SSH server on loopback.
 *
 * Standard input is its life line. The engine holds the other end, so when the Rack ends, even by
 * kill -9, the kernel closes it, and the instance ends with everything that it started.
 */

/** How long sessions may take to end by themselves. */
const GRACE_MS = 1000

async function boot(parameters: BootParameters): Promise<BootReport> {
  const { home, id, sshUser, environment } = parameters
  await installAuthorizedKeys(home, parameters.authorizedKeys)
  const hostKey = await loadHostKey(home, id)
  const server = createSshServer({ hostKey, home, sshUser, environment, running })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('no TCP port')
  return { port: address.port, hostKey: hostKey.publicKey }
}

const running = new Set<SessionProcess>()
let ending = false

async function end(parameters: BootParameters | undefined): Promise<void> {
  if (ending) return
  ending = true
  if (parameters !== undefined) {
    const { owner, id } = parameters
    await endMarkedProcesses({ owner, instance: id }, GRACE_MS)
  }
  // Where no mark can be read (process-mark.ts) this is all that ends the sessions.
  for (const program of running) program.signal('SIGKILL')
  process.exit(0)
}

const lines = createInterface({ input: process.stdin })
let parameters: BootParameters | undefined
lines.once('close', () => void end(parameters))
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => void end(parameters))
}
// Hanging up is for sessions; and when the Rack is gone, so is whoever reads our output.
process.on('SIGHUP', () => {})
for (const output of [process.stdout, process.stderr]) output.on('error', () => {})

lines.once('line', (line) => {
  parameters = parseBootParameters(line)
  boot(parameters).then(
    (report) => process.stdout.write(`${JSON.stringify(report)}\n`),
    (error) => {
      process.stderr.write(`the instance could not start: ${String(error)}\n`)
      process.exit(1)
    },
  )
})
