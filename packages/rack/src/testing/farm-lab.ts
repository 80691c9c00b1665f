import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { KeyrollStatus } from '@keyrack/protocol/resources'
import { hashApiKey, mintApiKey } from '@keyrack/secrets'
import { openKeyring, openStore } from '@keyrack/server'
import { MIGRATIONS } from '../database/migrations.ts'
import type { RackSchema } from '../database/schema.ts'
import { type LoggedIn, LoginRefused, logIn } from '../instances/log-in.ts'
import { disconnect } from '../instances/ssh-connection.ts'
import { type LoginKey, SshKeys } from '../instances/ssh-keys.ts'
import type { KeyrollPoint } from '../keyroll/keyroll-points.ts'
import { canaryRow } from '../system/rack-record.ts'
import { ask, type Said } from './ask.ts'
import { createFarmEngine } from './farm-engine.ts'
import { RackProcess } from './rack-process.ts'
import { ServerFarm } from './server-farm.ts'
import type { ServerKind } from './ssh-servers.ts'
import { waitUntil } from './wait-until.ts'

const PROGRAM = fileURLToPath(new URL('../../dist/testing/farm-rack.js', import.meta.url))
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

/** A Rack that can be killed, its machines that cannot, and every key that it ever made. */
export class FarmLab {
  readonly farm: ServerFarm
  readonly dataDir: string
  readonly key = mintApiKey('rack')
  /** By generation, read from the stopped Rack's own database. */
  readonly keys = new Map<number, LoginKey>()
  /** What the Racks of this lab have answered and logged. */
  readonly said: string[] = []
  #rack: RackProcess | undefined
  #port = 0
  readonly #ends: Array<() => unknown> = []

  private constructor(farm: ServerFarm, dataDir: string) {
    this.farm = farm
    this.dataDir = dataDir
  }

  static async open(kinds: readonly ServerKind[]): Promise<FarmLab> {
    return new FarmLab(await ServerFarm.open(kinds), await mkdtemp(join(tmpdir(), 'keyrack-lab-')))
  }

  async close(): Promise<void> {
    for (const end of this.#ends) await end()
    await this.farm.close()
    await rm(this.dataDir, { recursive: true, force: true })
  }

  get rack(): RackProcess {
    if (this.#rack === undefined) throw new Error('the Rack does not run')
    return this.#rack
  }

  async start(): Promise<void> {
    const env = { DATA_DIR: this.dataDir, RACK_KEY_HASH: hashApiKey(this.key), LOG_LEVEL: 'debug' }
    if (!existsSync(PROGRAM)) throw new Error('packages/rack is not built; run: npx tsc -b')
    const atEnd = (end: () => unknown) => void this.#ends.push(end)
    const rack = new RackProcess(env, { program: PROGRAM, args: [this.farm.socket], atEnd })
    this.#rack = rack
    this.#port = Number(new URL((await rack.ready()).url).port)
    await this.readKeys()
  }

  /** The Rack stops at that point once; the result resolves when it has come there. */
  async pauseAt(point: KeyrollPoint): Promise<{ reached: Promise<void> }> {
    const pausing = this.#hears('pausing')
    this.rack.child.send({ pauseAt: point })
    await pausing
    return { reached: this.#hears('point') }
  }

  go(): void {
    this.rack.child.send({ type: 'go' })
  }

  /** kill -9. */
  async kill(): Promise<void> {
    const rack = this.rack
    this.#rack = undefined
    rack.child.kill('SIGKILL')
    await rack.exited
    this.said.push(rack.output)
    await this.readKeys()
  }

  #hears(type: string): Promise<void> {
    return new Promise((resolve) => {
      this.rack.child.on('message', (message: unknown) => {
        if (typeof message !== 'object' || message === null || !('type' in message)) return
        if (message.type === type) resolve()
      })
    })
  }

  async ask(line: string, body?: string): Promise<Said> {
    const sent = { key: this.key, ...(body === undefined ? {} : { body, headers: FORM }) }
    const said = await ask(this.#port, line, sent)
    this.said.push(JSON.stringify(said.headers), said.body)
    return said
  }

  async status(): Promise<KeyrollStatus> {
    return JSON.parse((await this.ask('GET /instances/keyroll')).body)
  }

  async untilState(state: string): Promise<KeyrollStatus> {
    await waitUntil(async () => (await this.status()).state === state)
    return this.status()
  }

  /** The generations that open a server now, of the newest ones or of all that were ever made. */
  async opens(id: string, among = 3): Promise<number[]> {
    const opening: number[] = []
    const newestFirst = [...this.keys.values()].sort((a, b) => b.generation - a.generation)
    for (const key of newestFirst.slice(0, among)) {
      if ((await this.#logIn(id, key)) !== undefined) opening.push(key.generation)
    }
    return opening.sort((one, other) => one - other)
  }

  /** The private key that a login must not have been left in anywhere: the base64 of its middle. */
  secrets(): string[] {
    return [...this.keys.values()].map(
      ({ privateKey }) => privateKey.reveal().split('\n')[3] ?? 'a key without a fourth line',
    )
  }

  /** Every file of the Rack and of its machines, as bytes. */
  async files(): Promise<Array<{ file: string; bytes: Buffer }>> {
    const folders = [this.dataDir, ...[...this.farm.servers.values()].map(({ folder }) => folder)]
    const found: Array<{ file: string; bytes: Buffer }> = []
    for (const folder of folders) {
      for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
        const file = join(entry.parentPath, entry.name)
        if (!entry.isFile()) continue
        // A change that goes on in this moment has a file for a moment.
        const bytes = await readFile(file).catch(() => undefined)
        if (bytes !== undefined) found.push({ file, bytes })
      }
    }
    return found
  }

  async #logIn(id: string, key: LoginKey): Promise<boolean | undefined> {
    const engine = createFarmEngine(this.farm.socket, { authorizedKeys: async () => [] })
    const access = { engine, knownInstances: { verify: async () => {} } }
    let loggedIn: LoggedIn
    try {
      loggedIn = await logIn(access, id, [key], AbortSignal.timeout(20_000))
    } catch (error) {
      if (error instanceof LoginRefused) return undefined
      throw error
    }
    disconnect(loggedIn.client)
    return true
  }

  /** Every key that the Rack has sealed, from its own files. */
  async readKeys(): Promise<void> {
    const folder = join(this.dataDir, 'racks', 'dev')
    const store = await openStore<RackSchema>({ file: join(folder, 'db'), migrations: MIGRATIONS })
    try {
      const keyring = await openKeyring({
        folder: join(folder, 'keys'),
        mayCreate: false,
        canary: canaryRow(store),
        notice: () => {},
      })
      const sshKeys = new SshKeys(store, keyring)
      for (const { generation } of await sshKeys.live()) {
        this.keys.set(generation, await sshKeys.open(generation))
      }
    } finally {
      await store.close()
    }
  }
}
