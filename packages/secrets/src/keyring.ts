import type { MasterKey } from './master-key.ts'

/** The master keys a server knows: the newest seals, every one opens what it sealed. */
export class Keyring {
  /** Seals new values. */
  readonly newest: MasterKey
  readonly #keys: ReadonlyMap<string, MasterKey>

  constructor(keys: readonly MasterKey[]) {
    const [newest] = keys.toSorted(newestFirst)
    if (newest === undefined) throw new TypeError('A keyring needs at least one master key.')
    this.#keys = new Map(keys.map((key) => [key.id, key]))
    if (this.#keys.size !== keys.length) {
      throw new TypeError('A keyring holds each master key once.')
    }
    this.newest = newest
  }

  get(id: string): MasterKey | undefined {
    return this.#keys.get(id)
  }

  ids(): string[] {
    return [...this.#keys.keys()]
  }
}

/** Every replica must choose the same key, so two keys of one millisecond are ordered by id. */
function newestFirst(a: MasterKey, b: MasterKey): number {
  return b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1)
}
