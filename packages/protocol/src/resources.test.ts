import { describe, expect, it } from 'vitest'
import { Identity, Instances, RackSummaries, System } from './resources.ts'

describe('resources', () => {
  it('read what the reference gives as an example of racks', () => {
    const text =
      '[{"name":"staging","organization":{"id":"o1","name":"acme"},"status":"running","provider":"aws","version":"20260101000000"}]'
    expect(RackSummaries.parse(JSON.parse(text))).toEqual(JSON.parse(text))
  })

  it('read an instance of a Rack of any generation', () => {
    const v3 = {
      agent: true,
      cpu: 0.5,
      'cpu-capacity': 2,
      id: 'i-1',
      memory: 0.25,
      'private-ip': '10.0.0.1',
      processes: 3,
      'public-ip': '',
      started: '2026-01-01T00:00:00Z',
      status: 'active',
    }
    const { 'cpu-capacity': _unknown, ...known } = v3
    expect(Instances.parse([v3])).toEqual([known])
  })

  it('read null and what is absent as nothing, as Go does', () => {
    expect(Instances.parse(null)).toEqual([])
    expect(RackSummaries.parse(null)).toEqual([])
    expect(RackSummaries.parse([{ name: 'solo', organization: null }])).toEqual([
      { name: 'solo', organization: { id: '', name: '' }, provider: '', status: '', version: '' },
    ])
    expect(System.parse({ outputs: null, parameters: { A: null, B: 'b' } })).toMatchObject({
      count: 0,
      name: '',
      outputs: {},
      parameters: { A: '', B: 'b' },
    })
  })

  it('find keys in any case, the exact one first', () => {
    const rack = { Name: 'x', NAME: 'y', Organization: { Name: 'acme' }, STATUS: 'running' }
    expect(RackSummaries.parse([{ ...rack, name: 'staging' }])).toMatchObject([
      { name: 'staging', organization: { name: 'acme' }, status: 'running' },
    ])
    expect(Identity.parse({ Id: 'u1' })).toEqual({ id: 'u1' })
    expect(System.parse({ 'Rack-Domain': 'd' })['rack-domain']).toBe('d')
  })

  it('keep the case of what a person named', () => {
    expect(System.parse({ parameters: { HttpProxy: 'x' } }).parameters).toEqual({ HttpProxy: 'x' })
  })

  it.each([
    ['a number for a text', { name: 1 }],
    ['a fraction for a count', { count: 1.5 }],
    ['a list', []],
    ['a text', 'ok'],
    ['null', null],
  ])('refuse %s', (_name, value) => {
    expect(System.safeParse(value).success).toBe(false)
  })

  it('an instance or a Rack without a name is refused', () => {
    expect(Instances.safeParse([{}]).success).toBe(false)
    expect(RackSummaries.safeParse([{}]).success).toBe(false)
  })

  it('take nothing from the prototype of an answer', () => {
    const value = JSON.parse('{"__proto__":{"name":"x"},"constructor":"y"}')
    expect(System.parse(value).name).toBe('')
  })
})
