import { KeyrackError } from '@keyrack/protocol'
import { describe, expect, it } from 'vitest'
import type { AccountEntry, RackEntry } from '../directory.ts'
import { displayName, findRack } from './find-rack.ts'
import { rackEntry } from './testing/rack-entry.ts'

const ACCOUNT: AccountEntry = {
  id: 'a-1',
  email: 'ann@example.com',
  serverAdministrator: false,
  roles: new Map(),
}

function rack(organization: string, name: string): RackEntry {
  const id = `${organization}-${name}`
  return rackEntry({ id, name, organization: { id: organization, name: organization } })
}

const RACKS = [
  rack('acme', 'prod'),
  rack('acme', 'staging'),
  rack('zeta', 'prod'),
  rack('zeta', 'prod-eu'),
]

function found(wanted: string | undefined): string {
  try {
    return displayName(findRack({ racksOf: () => RACKS }, ACCOUNT, wanted))
  } catch (error) {
    return error instanceof KeyrackError ? error.code : String(error)
  }
}

describe('the Rack that is meant', () => {
  it('is the one with that whole name, though others contain it', () => {
    expect(found('zeta/prod')).toBe('zeta/prod')
    expect(found('acme/prod')).toBe('acme/prod')
  })

  it('is the one with that bare name when only one has it', () => {
    expect(found('staging')).toBe('acme/staging')
    expect(found('prod-eu')).toBe('zeta/prod-eu')
  })

  it('is the one whose name has that part when only one has it', () => {
    expect(found('stag')).toBe('acme/staging')
    expect(found('acme/s')).toBe('acme/staging')
  })

  it('is never guessed among several, and the text lists them', () => {
    expect(found('prod')).toBe('invalid')
    expect(found('a/p')).toBe('invalid')
    expect(() => findRack({ racksOf: () => RACKS }, ACCOUNT, 'prod')).toThrow(
      'ambiguous rack name: prod (acme/prod, zeta/prod)',
    )
  })

  it('is an error when nothing was asked for or nothing fits', () => {
    for (const empty of [undefined, '', '   ']) expect(found(empty)).toBe('invalid')
    expect(found('nope')).toBe('not-found')
    expect(found('ACME/PROD')).toBe('not-found')
  })

  it('CWE-150 cannot smuggle control characters into the text', () => {
    expect(() => findRack({ racksOf: () => [] }, ACCOUNT, 'a\u001b[31mé')).toThrow('a?[31m?')
  })
})
