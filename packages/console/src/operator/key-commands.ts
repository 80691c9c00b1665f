import { z } from 'zod'
import type { ConsoleContext } from '../context.ts'
import { parseInput } from '../http/read-input.ts'
import { keyStatus } from '../vault/key-status.ts'
import { reconcile } from '../vault/reconcile.ts'
import { retireMasterKey } from '../vault/retire-master-key.ts'
import { RotationRun } from '../vault/rotation-run.ts'
import { verifyStored } from '../vault/verify-stored.ts'
import type { OperatorCommand } from './operator-routes.ts'

export const KEY_STATUS = { method: 'GET', path: '/keys' } as const
/** Begins a rotation, or joins the one that is under way; answers at once with its state. */
export const KEY_ROTATION = { method: 'POST', path: '/keys/rotation' } as const
export const KEY_ROTATION_STATE = { method: 'GET', path: '/keys/rotation' } as const
export const KEY_VERIFICATION = { method: 'POST', path: '/keys/verification' } as const
export const KEY_RETIREMENT = { method: 'POST', path: '/keys/retirement' } as const

export const RECONCILIATION = { method: 'POST', path: '/reconciliation' } as const

const Nothing = z.strictObject({})
const Reconciling = z.strictObject({ force: z.boolean() })
const Retirement = z.strictObject({ id: z.string().max(64) })

/** `keyrack-console keys …` on a running server, which goes on with the keys as they then are. */
export function createKeyCommands(context: ConsoleContext): Record<string, OperatorCommand> {
  const rotation = new RotationRun(context)
  const nameOf = ({ method, path }: { method: string; path: string }) => `${method} ${path}`
  return {
    [nameOf(KEY_STATUS)]: async () => ({ keys: await keyStatus(context) }),
    [nameOf(KEY_ROTATION)]: async (body, request) => {
      parseInput(body, Nothing)
      return rotation.begin(request)
    },
    [nameOf(KEY_ROTATION_STATE)]: async () => rotation.state(),
    [nameOf(KEY_VERIFICATION)]: async (body) => {
      parseInput(body, Nothing)
      const { config, ledger } = context
      return verifyStored(context, config.anchorFile, ledger.seen)
    },
    [nameOf(RECONCILIATION)]: async (body, request) =>
      reconcile(context, parseInput(body, Reconciling).force, request),
    [nameOf(KEY_RETIREMENT)]: async (body, request) =>
      retireMasterKey(context, parseInput(body, Retirement).id, request),
  }
}
