import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Secret } from '@keyrack/secrets'
import { folderFailure, writePrivateFile } from '@keyrack/server'
import { z } from 'zod'

/** How a command on this machine reaches the running server and shows that it may. */
export interface OperatorAccess {
  port: number
  token: Secret
}

const Access = z.object({ port: z.number(), token: z.string().min(1) })

/**
 * The secret of the operator's door, new at each start. Who can read this file owns the data folder
 * and could change the database as well.
 */
export function writeOperatorAccess(folder: string, { port, token }: OperatorAccess): void {
  writePrivateFile(fileIn(folder), `${JSON.stringify({ port, token: token.reveal() })}\n`)
}

/** Undefined where no server has written it, or not yet. */
export function readOperatorAccess(folder: string): OperatorAccess | undefined {
  try {
    const { port, token } = Access.parse(JSON.parse(readFileSync(fileIn(folder), 'utf8')))
    return { port, token: Secret.of(token) }
  } catch {
    return undefined
  }
}

export function removeOperatorAccess(folder: string): void {
  try {
    rmSync(fileIn(folder), { force: true })
  } catch (error) {
    throw folderFailure(fileIn(folder), error)
  }
}

function fileIn(folder: string): string {
  return join(folder, 'operator')
}
