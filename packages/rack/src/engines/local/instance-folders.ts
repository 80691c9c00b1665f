import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KeyrackError } from '@keyrack/protocol'

const TOMBSTONE = '.terminated'
const ID = /^i-[0-9a-f]{12}$/

/**
 * What outlives the engine: `owner` (the token that marks processes) and one folder per instance,
 * which is also the instance's home. A tombstone beside a folder is written before anything of the
 * instance is undone, so an instance that was being removed when the power went does not come back.
 */
export class InstanceFolders {
  readonly #root: string

  constructor(root: string) {
    this.#root = root
  }

  home(id: string): string {
    return join(this.#root, id)
  }

  /** The token of this data folder; made once. */
  async owner(random: (size: number) => Uint8Array = randomBytes): Promise<string> {
    await mkdir(this.#root, { recursive: true, mode: 0o700 })
    const file = join(this.#root, 'owner')
    const known = (await readFile(file, 'utf8').catch(() => '')).trim()
    if (/^[0-9a-f]{32}$/.test(known)) return known
    const owner = Buffer.from(random(16)).toString('hex')
    await writeFile(`${file}.new`, `${owner}\n`, { mode: 0o600 })
    await rename(`${file}.new`, file)
    return owner
  }

  /** Ids of the instances to bring back, sorted. */
  async known(): Promise<string[]> {
    const names = new Set(await readdir(this.#root))
    return [...names].filter((name) => ID.test(name) && !names.has(name + TOMBSTONE)).sort()
  }

  async create(id: string): Promise<void> {
    await mkdir(this.home(id), { recursive: true, mode: 0o700 })
  }

  /** From here on the instance is not brought back, whatever happens. */
  async bury(id: string): Promise<void> {
    try {
      await writeFile(this.home(id) + TOMBSTONE, '', { mode: 0o600 })
    } catch (cause) {
      // Clients read this text, so it names no path.
      throw new KeyrackError('not-ready', 'the folder of the instances cannot be written', {
        hint: 'nothing was changed; the log of the Rack has the reason',
        cause,
      })
    }
  }

  async remove(id: string): Promise<void> {
    await rm(this.home(id), { recursive: true, force: true, maxRetries: 3 })
    await rm(this.home(id) + TOMBSTONE, { force: true })
  }

  /** Finishes the removals that a former life of the engine began. */
  async removeBuried(): Promise<void> {
    for (const name of await readdir(this.#root)) {
      if (name.endsWith(TOMBSTONE)) await this.remove(name.slice(0, -TOMBSTONE.length))
    }
  }
}

export function newInstanceId(random: (size: number) => Uint8Array = randomBytes): string {
  return `i-${Buffer.from(random(6)).toString('hex')}`
}
