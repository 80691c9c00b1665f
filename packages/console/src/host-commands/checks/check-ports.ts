import { createServer } from 'node:net'
import { KeyrackError } from '@keyrack/protocol'
import { createClient } from '@keyrack/protocol/client'
import { listen } from '@keyrack/server'
import type { ConsoleConfig } from '../../config.ts'
import { readOperatorAccess } from '../../operator/operator-access.ts'
import { VERSION } from '../../version.ts'

/** Whether the server could listen if it were started now. */
export async function checkPortsFree(config: ConsoleConfig): Promise<string> {
  const wanted = [
    { variable: 'PORT', port: config.port, host: '127.0.0.1' },
    { variable: 'TLS_PORT', port: config.tlsPort, host: config.host },
    { variable: 'OPERATOR_PORT', port: config.operatorPort, host: '127.0.0.1' },
  ]
  for (const each of wanted) await (await listen(createServer(), each)).close()
  return `${wanted.map(({ port }) => port).join(', ')} are free`
}

/** Whether the server that has the data folder says that it is ready. */
export async function checkServing(folder: string): Promise<string> {
  const access = readOperatorAccess(folder)
  if (access === undefined) {
    throw new KeyrackError('not-ready', 'it runs, but has not finished starting', {
      hint: 'try again in a moment; if it stays so, look at its log',
    })
  }
  const url = `http://127.0.0.1:${access.port}`
  const client = createClient({ url, version: VERSION, timeoutMs: 5000 })
  await client.request('GET', '/readyz')
  return `runs and is ready (operator port ${access.port})`
}
