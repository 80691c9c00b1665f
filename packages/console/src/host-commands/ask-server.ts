import { KeyrackError } from '@keyrack/protocol'
import { createClient } from '@keyrack/protocol/client'
import { readOperatorAccess } from '../operator/operator-access.ts'
import { VERSION } from '../version.ts'

/** Verifying and retiring look at every sealed value before they answer. */
const TIMEOUT_MS = 10 * 60_000

/** Asks the server that runs on a data folder, through its operator listener; the answer is JSON. */
export async function askServer(
  folder: string,
  { method, path }: { method: string; path: string },
  json?: unknown,
): Promise<unknown> {
  const access = readOperatorAccess(folder)
  if (access === undefined) {
    throw new KeyrackError(
      'not-ready',
      `the server that uses ${folder} is not ready for commands`,
      {
        hint: 'try again in a moment; if it stays so, stop the server and run this again',
      },
    )
  }
  const { port, token } = access
  const url = `http://127.0.0.1:${port}`
  const client = createClient({ url, password: token, version: VERSION, timeoutMs: TIMEOUT_MS })
  const { body } = await client.request(method, path, json === undefined ? {} : { json })
  return JSON.parse(body)
}
