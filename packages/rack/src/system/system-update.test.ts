import { KeyrackError } from '@keyrack/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readParameters, readSystemUpdate } from './system-update.ts'

const LIMITS = { type: 'local', version: '20261123000000', maxInstances: 20 }

function read(form: string) {
  return readSystemUpdate(new URLSearchParams(form), LIMITS)
}

function refusal(form: string): KeyrackError {
  try {
    read(form)
  } catch (error) {
    if (error instanceof KeyrackError) return error
  }
  throw new Error(`not refused: ${form}`)
}

describe('PUT /system', () => {
  it.each([
    ['', {}],
    ['count=4', { count: 4 }],
    ['count=4&type=', { count: 4 }],
    ['count=-1&type=', {}],
    ['count=-1&type=local', {}],
    ['count=&version=', {}],
    ['version=20261123000000', {}],
    ['force=false&version=', {}],
    ['parameters=', {}],
    ['parameters=InstanceCount%3D5', { count: 5 }],
    ['count=5&parameters=InstanceCount%3D5', { count: 5 }],
    ['count=1', { count: 1 }],
    ['count=20', { count: 20 }],
  ])('with %j asks for %j', (form, update) => {
    expect(read(form)).toEqual(update)
  })

  it.each(['0', '21', '-2', '1.5', '1e1', '0x4', ' 4', '4 ', '99999999999999999999', '٤', 'many'])(
    'refuses the count %j, in either place, with the bounds',
    (count) => {
      const encoded = encodeURIComponent(count)
      for (const [form, field] of [
        [`count=${encoded}`, 'count'],
        [`parameters=${encodeURIComponent(`InstanceCount=${encoded}`)}`, 'InstanceCount'],
      ] as const) {
        const error = refusal(form)
        expect(error).toMatchObject({ code: 'invalid', field })
        expect(error.message).toContain('from 1 to 20')
      }
    },
  )

  it('refuses a count of nothing where it is a parameter', () => {
    expect(refusal('parameters=InstanceCount').field).toBe('InstanceCount')
  })

  it('refuses what it does not know by its name', () => {
    expect(refusal('instances=4').message).toBe('there is no parameter "instances"')
    expect(refusal('parameters=HttpProxy%3Dx').message).toBe('there is no parameter "HttpProxy"')
    expect(refusal('parameters=instancecount%3D4').message).toContain('"instancecount"')
    expect(refusal('parameters=%3D4').message).toContain('""')
    expect(refusal('%1b%0a=x').message).toBe('there is no parameter "??"')
    expect(refusal(`${'n'.repeat(100_000)}=x`).message.length).toBeLessThan(100)
  })

  it.each([
    'Password=new',
    'password=new',
    'Password=',
    'Password=****',
    'InstanceCount=4&PASSWORD=x',
  ])('never takes the key of the Rack: %s', (parameters) => {
    const error = refusal(`parameters=${encodeURIComponent(parameters)}`)
    expect(error).toMatchObject({ code: 'invalid', field: 'Password' })
  })

  it.each(['****', '*', '********'])('refuses the mask %s, which is no value', (mask) => {
    const error = refusal(`parameters=${encodeURIComponent(`InstanceCount=${mask}`)}`)
    expect(error).toMatchObject({ code: 'invalid', field: 'InstanceCount' })
    expect(error.message).toContain('hidden value')
  })

  it('refuses another type or version, which only another program could have', () => {
    expect(refusal('type=t3.small').field).toBe('type')
    expect(refusal('version=20990101000000').field).toBe('version')
  })

  it('refuses what two servers could read as two things', () => {
    expect(refusal('count=4&count=5').message).toContain('given twice')
    expect(refusal('count=4&count=4').message).toContain('given twice')
    expect(refusal('parameters=InstanceCount%3D4%26InstanceCount%3D5').message).toContain('twice')
    expect(refusal('count=4&parameters=InstanceCount%3D5').message).toContain('differ')
  })

  it('reads any form to an update within the bounds, or refuses it', () => {
    const word = fc.constantFrom('count', 'type', 'parameters', 'InstanceCount', 'Password', '****')
    const part = fc.oneof(word, fc.string({ unit: 'binary' }), fc.integer().map(String))
    fc.assert(
      fc.property(fc.array(fc.tuple(part, part)), (pairs) => {
        for (const read of [readSystemUpdate, readParameters]) {
          try {
            const { count = 1 } = read(new URLSearchParams(pairs), LIMITS)
            expect(count).toBeGreaterThanOrEqual(1)
            expect(count).toBeLessThanOrEqual(20)
          } catch (error) {
            expect(error).toBeInstanceOf(KeyrackError)
          }
        }
      }),
    )
  })
})
