import { hashApiKey, mintApiKey } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import type { AccountEntry, DeployKeyEntry } from '../directory.ts'
import { authenticateUser } from './authenticate-user.ts'

const KEY = mintApiKey('deploy').reveal()
const EXPIRES = 1_000_000

function ask(header: string, at: number, expiresAt: number | null = EXPIRES) {
  const entry: DeployKeyEntry = {
    kind: 'deploy-key',
    id: 'd-1',
    name: 'ci',
    organization: { id: 'o-1', name: 'acme' },
    expiresAt,
  }
  const account: AccountEntry = {
    id: 'a',
    email: 'a@b.c',
    serverAdministrator: true,
    roles: new Map(),
  }
  const directory = {
    // Every hash is somebody's: only the kind of the key may decide whose it can be.
    accountByApiKeyHash: () => account,
    deployKeyByHash: (hash: string) => (hash === hashApiKey(KEY) ? entry : undefined),
  }
  const authorization = `Basic ${Buffer.from(`convox:${header}`).toString('base64')}`
  const throttle = { failed: () => undefined }
  return authenticateUser({ directory, throttle, now: () => at }, authorization, '192.0.2.1')
}

describe('a deploy key', () => {
  it('is good until the moment it expires, and not at it', () => {
    expect(ask(KEY, EXPIRES - 1)).toMatchObject({ kind: 'deploy-key', id: 'd-1' })
    for (const at of [EXPIRES, EXPIRES + 1, Number.MAX_SAFE_INTEGER]) {
      expect(() => ask(KEY, at)).toThrow('invalid authentication')
    }
    expect(ask(KEY, Number.MAX_SAFE_INTEGER, null)).toMatchObject({ id: 'd-1' })
  })

  it('that was revoked, cut or made elsewhere is nobody’s, never an account’s', () => {
    for (const key of [mintApiKey('deploy').reveal(), KEY.slice(0, -1), `${KEY}x`, 'cvxd_']) {
      expect(() => ask(key, 0), key).toThrow('invalid authentication')
    }
  })
})
