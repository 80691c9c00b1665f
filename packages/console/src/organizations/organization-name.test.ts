import { expect, it } from 'vitest'
import { parseOrganizationName } from './organization-name.ts'

it.each([
  ['acme', 'acme'],
  [' Acme-Labs\n', 'acme-labs'],
  ['0', '0'],
  ['a'.repeat(63), 'a'.repeat(63)],
])('%j is the organization %j', (typed, kept) => {
  expect(parseOrganizationName(typed)).toBe(kept)
})

it.each([
  undefined,
  '',
  '   ',
  '-acme',
  'acme/dev',
  'acme labs',
  'acme_labs',
  'acme.labs',
  'ácme',
  'аcme',
  'acme\n labs',
  'a'.repeat(64),
  '../acme',
])('%j is refused, naming the field', (typed) => {
  expect(() => parseOrganizationName(typed)).toThrow(
    expect.objectContaining({ code: 'invalid', field: 'organization' }),
  )
})
