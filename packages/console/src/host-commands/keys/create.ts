import { readConfig } from '../../config.ts'
import { createKey } from '../../create-key.ts'
import { noMoreArguments } from '../no-more-arguments.ts'

/** A master key for Consoles on a server's database, or one to rotate to. */
export async function createCommand(args: readonly string[]): Promise<number> {
  noMoreArguments(args)
  process.stdout.write(createKey(readConfig({ env: process.env }).keyDir))
  return 0
}
