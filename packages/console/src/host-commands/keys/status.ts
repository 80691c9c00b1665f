import { readConfig } from '../../config.ts'
import { KEY_STATUS } from '../../operator/key-commands.ts'
import { type KeyStatus, keyStatus } from '../../vault/key-status.ts'
import { askServer } from '../ask-server.ts'
import { noMoreArguments } from '../no-more-arguments.ts'
import { onDatabase, requireConsole } from '../on-database.ts'
import { consoleFolder, isRunning } from '../running-console.ts'

const JSON_FLAG = '--json'

/** The master keys, and how much each seals. Ends with 1 when one that is needed is not there. */
export async function statusCommand(args: readonly string[]): Promise<number> {
  noMoreArguments(args.filter((word) => word !== JSON_FLAG))
  const config = readConfig({ env: process.env })
  requireConsole(config)
  const folder = consoleFolder(config)
  const { keys } = isRunning(folder)
    ? ((await askServer(folder, KEY_STATUS)) as { keys: KeyStatus[] })
    : { keys: await onDatabase(config, (context) => keyStatus(context)) }
  if (args.includes(JSON_FLAG)) process.stdout.write(`${JSON.stringify({ keys }, undefined, 2)}\n`)
  else process.stdout.write(table(keys))
  return keys.every(({ present, values }) => present || values === 0) ? 0 : 1
}

function table(keys: readonly KeyStatus[]): string {
  const lines = keys.map((key) => [
    key.id,
    key.created_at === null ? '' : new Date(key.created_at).toISOString(),
    key.kind ?? '',
    String(key.values),
    stateOf(key),
  ])
  const rows = [['MASTER KEY', 'CREATED', 'KIND', 'VALUES', 'STATE'], ...lines]
  const widths = [16, 24, 7, 6, 0]
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('')
}

function stateOf({ present, current, values }: KeyStatus): string {
  if (!present) return 'needed, and not in KEY_DIR'
  if (current) return 'seals'
  return values === 0 ? 'unused' : 'opens'
}
