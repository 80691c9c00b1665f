import type { Connection } from './connect.ts'
import type { Terminal } from './terminal.ts'

interface KeyPair {
  name: string
  privateKey: string
}

/**
 * Racks of the third generation on AWS answer a keyroll with a key pair that they do not keep: it is
 * shown, this once, and named to the Rack, which uses it from then on (protocol.md 3).
 */
export async function takeKeyPair(
  terminal: Terminal,
  connection: Connection,
  answer: string,
): Promise<void> {
  const pair = readKeyPair(answer)
  if (pair === undefined) return
  terminal.warn('the Rack keeps no copy of this private key; save it now')
  // Before anything can fail.
  terminal.print(pair.privateKey.trimEnd())
  const parameters = new URLSearchParams({ key_pair_name: pair.name }).toString()
  await terminal.progress(`Setting key_pair_name=${pair.name}`, () =>
    connection.request('PUT', '/system', { form: { parameters } }),
  )
}

function readKeyPair(answer: string): KeyPair | undefined {
  let value: unknown
  try {
    value = JSON.parse(answer)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { name, 'private-key': privateKey } = value as Partial<Record<string, unknown>>
  if (typeof name !== 'string' || typeof privateKey !== 'string') return undefined
  return /^[\w.-]{1,255}$/.test(name) && privateKey !== '' ? { name, privateKey } : undefined
}
