import { describe, expect, it } from 'vitest'
import { checkedRackName, isHostInsteadOfRack, pickRack, rackName } from './rack-name.ts'

const NAMES = ['acme/dev', 'acme/live', 'other/live', 'solo', 'acme/dev2']

describe('the name of a Rack', () => {
  it('has its organization in front, where there is one', () => {
    expect(rackName({ name: 'dev', organization: { name: 'acme' } })).toBe('acme/dev')
    expect(rackName({ name: 'dev', organization: { name: '' } })).toBe('dev')
  })

  it('may be given in part if only one has it; the whole and the bare name come first', () => {
    expect(pickRack('acme/dev', NAMES)).toBe('acme/dev')
    expect(pickRack('dev', NAMES)).toBe('acme/dev')
    expect(pickRack('solo', NAMES)).toBe('solo')
    expect(pickRack('ev2', NAMES)).toBe('acme/dev2')
    expect(() => pickRack('live', NAMES)).toThrow('acme/live or other/live')
    expect(() => pickRack('acme', NAMES)).toThrow('acme/dev or acme/live or acme/dev2')
    expect(() => pickRack('x', NAMES)).toThrow('there is no Rack')
    expect(() => pickRack('dev', [])).toThrow('there is no Rack')
  })

  it('is never nothing, which every name contains', () => {
    for (const typed of ['', ' ']) {
      expect(() => pickRack(typed, ['acme/dev'])).toThrow('the name of the Rack is empty')
      expect(() => checkedRackName(typed, '--rack')).toThrow('the Rack name from --rack is not one')
    }
  })

  it('is told from a host name', () => {
    for (const host of ['localhost:5443', 'rack.example.com', '[::1]:5443', 'box']) {
      expect(isHostInsteadOfRack(host, 'box')).toBe(true)
    }
    for (const rack of ['dev', 'acme/dev', 'acme.com/dev']) {
      expect(isHostInsteadOfRack(rack, 'box')).toBe(false)
    }
  })

  it('cannot smuggle anything into a header', () => {
    expect(checkedRackName('größe & co/dev', 'x')).toBe('größe & co/dev')
    for (const name of ['a\r\nX: y', 'a\u0000', 'a\u202eb', 'x'.repeat(201)]) {
      expect(() => checkedRackName(name, 'x')).toThrow('is not one')
    }
  })
})
