import type { MasterKey } from './master-key.ts'

/**
 * The master keys a server knows: one seals, every one opens what it sealed. The newest seals until
 * `sealWith` says otherwise: with several servers on one database, all must know a key before the
 * first of them seals with it.
 */
export class Keyring {
  readonly #keys: Map<string, MasterKey>
  #current: MasterKey

  constructor(keys: readonly MasterKey[]) {
    const [newest] = keys.toSorted(newestFirst)
    if (newest === undefined) throw new TypeError('A keyring needs at least one master key.')
    this.#keys = new Map(keys.map((key) => [key.id, key]))
    if (this.#keys.size !== keys.length) {
      throw new TypeError('A keyring holds each master key once.')
    }
    this.#current = newest
  }

  /** Seals new values. */
  get current(): MasterKey {
    return this.#current
  }

  get(id: string): MasterKey | undefined {
    return this.#keys.get(id)
  }

  ids(): string[] {
    return [...this.#keys.keys()]
  }

  /** Opens with these keys too, from now on; what seals stays the same. */
  learn(keys: readonly MasterKey[]): void {
    for (const key of keys) if (!this.#keys.has(key.id)) this.#keys.set(key.id, key)
  }

  sealWith(id: string): void {
    this.#current = this.#known(id)
  }

  /** What this key has sealed does not open any more. */
  forget(id: string): void {
    if (this.#known(id) === this.#current) throw new TypeError('The key that seals is needed.')
    this.#keys.delete(id)
  }

  /** Every server must choose the same key, so two keys of one millisecond are ordered by id. */
  get newest(): MasterKey {
    return [...this.#keys.values()].reduce((a, b) => (newestFirst(a, b) < 0 ? a : b))
  }

  #known(id: string): MasterKey {
    const key = this.#keys.get(id)
    if (key === undefined) throw new TypeError(`The master key ${id} is not in this keyring.`)
    return key
  }
}

function newestFirst(a: MasterKey, b: MasterKey): number {
  return b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1)
}
