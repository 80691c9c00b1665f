import { readConfig } from '../config.ts'
import { createKey } from '../create-key.ts'

export async function keysCommand(args: readonly string[]): Promise<number> {
  process.stdout.write(createKey(args, readConfig({ env: process.env }).keyDir))
  return 0
}
