import { setTimeout as sleep } from 'node:timers/promises'
import { KeyrackError } from '@keyrack/protocol'
import { readConfig } from '../../config.ts'
import { KEY_ROTATION, KEY_ROTATION_STATE } from '../../operator/key-commands.ts'
import { type RotationReport, rotateMasterKey } from '../../vault/rotate-master-key.ts'
import type { RotationState } from '../../vault/rotation-run.ts'
import { askServer } from '../ask-server.ts'
import { noMoreArguments } from '../no-more-arguments.ts'
import { onDatabase, requireConsole } from '../on-database.ts'
import { consoleFolder, isRunning } from '../running-console.ts'

const LOOK_MS = 200

/** Through the running server, which then seals with the new key; on the database when there is none. */
export async function rotateCommand(args: readonly string[]): Promise<number> {
  noMoreArguments(args)
  const config = readConfig({ env: process.env })
  requireConsole(config)
  const folder = consoleFolder(config)
  const report = isRunning(folder)
    ? await throughServer(folder)
    : await onDatabase(config, (context, request) => rotateMasterKey(context, request, say))
  return sayReport(report, config.keyDir)
}

async function throughServer(folder: string): Promise<RotationReport> {
  let state = (await askServer(folder, KEY_ROTATION, {})) as RotationState
  for (let said = -1; state.state === 'running'; ) {
    if (state.resealed !== said && state.total > 0) say(state.resealed, state.total)
    said = state.resealed
    await sleep(LOOK_MS)
    state = (await askServer(folder, KEY_ROTATION_STATE)) as RotationState
  }
  if (state.report !== undefined) return state.report
  throw new KeyrackError(
    'not-ready',
    state.error ?? 'the server was started again before the end of the rotation',
    state.error === undefined ? { hint: 'run this again; it goes on' } : {},
  )
}

function say(resealed: number, total: number): void {
  process.stderr.write(`sealed anew: ${resealed} of ${total}\n`)
}

function sayReport({ id, continued, resealed, failed, unused }: RotationReport, keyDir: string) {
  const begun = continued ? 'finished an earlier rotation: ' : ''
  process.stdout.write(
    `${begun}the master key ${id} seals everything; ${resealed} values sealed anew\n`,
  )
  if (failed.length > 0) {
    process.stderr.write(
      `ERROR: ${failed.length} values do not open and stay as they are: ${failed.join(', ')}; see: keyrack-console keys verify\n`,
    )
  }
  for (const old of unused) {
    process.stdout.write(
      `old key unused: ${old}; you may move the file away: keyrack-console keys retire ${old}\n`,
    )
  }
  process.stdout.write(`Keep a copy of ${keyDir}/${id}.key, apart from backups.\n`)
  if (unused.length > 0) {
    process.stdout.write(
      'Backups made until now, and keys that Racks keep, open with the old keys only.\n',
    )
  }
  return failed.length === 0 ? 0 : 1
}
