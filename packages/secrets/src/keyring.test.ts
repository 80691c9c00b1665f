import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Keyring } from './keyring.ts'
import { createMasterKey, MasterKey } from './master-key.ts'

const keyOf = (byte: number, createdAt: number) =>
  new MasterKey(new Uint8Array(32).fill(byte), createdAt)

describe('Keyring', () => {
  const [old, middle, recent] = [keyOf(1, 100), keyOf(2, 200), keyOf(3, 300)]

  it('seals with the newest key in whatever order the files were read', () => {
    for (const keys of [
      [old, middle, recent],
      [recent, old, middle],
      [middle, recent, old],
    ]) {
      expect(new Keyring(keys).newest).toBe(recent)
    }
  })

  it('chooses the same of two keys of one millisecond, in either order', () => {
    const [a, b] = [keyOf(4, 500), keyOf(5, 500)]
    expect(new Keyring([a, b]).newest).toBe(new Keyring([b, a]).newest)
  })

  it('finds every key by its id, and nothing by another', () => {
    const keyring = new Keyring([old, middle, recent])
    for (const key of [old, middle, recent]) expect(keyring.get(key.id)).toBe(key)
    expect(keyring.get(createMasterKey().id)).toBeUndefined()
    expect(keyring.get('')).toBeUndefined()
    expect(keyring.get('__proto__')).toBeUndefined()
    expect(keyring.ids().toSorted()).toEqual([old.id, middle.id, recent.id].toSorted())
  })

  it('is not changed by later changes of the list it was made from', () => {
    const keys = [old]
    const keyring = new Keyring(keys)
    keys.push(recent)
    expect(keyring.newest).toBe(old)
    expect(keyring.ids()).toEqual([old.id])
  })

  it('seals with the newest until told otherwise, and never with a key it does not have', () => {
    const keyring = new Keyring([old, middle])
    expect(keyring.current).toBe(middle)
    keyring.sealWith(old.id)
    keyring.learn([recent, old])
    expect([keyring.current, keyring.newest]).toEqual([old, recent])
    expect(keyring.ids()).toHaveLength(3)
    expect(() => keyring.sealWith(createMasterKey().id)).toThrow('not in this keyring')
    keyring.sealWith(recent.id)
    expect(keyring.current).toBe(recent)
  })

  it('forgets a key, but never the one that seals', () => {
    const keyring = new Keyring([old, recent])
    keyring.forget(old.id)
    expect(keyring.get(old.id)).toBeUndefined()
    expect(() => keyring.forget(recent.id)).toThrow('is needed')
    expect(() => keyring.forget(old.id)).toThrow('not in this keyring')
    expect(keyring.current).toBe(recent)
  })

  it('refuses to be empty, and the same key twice', () => {
    expect(() => new Keyring([])).toThrow('at least one')
    expect(() => new Keyring([old, recent, keyOf(1, 900)])).toThrow('once')
  })

  it('prints no key', () => {
    const shown = inspect(new Keyring([old, recent]), { showHidden: true, getters: true, depth: 9 })
    expect(shown).not.toMatch(/Uint8Array|1, 1, 1/)
  })
})
