import { randomUUID } from 'node:crypto'
import type { Store } from '@keyrack/server'
import { isUniqueViolation } from '@keyrack/server'
import type { Transaction } from 'kysely'
import type {
  InstanceKeyState,
  InstanceKeysTable,
  KeyrollInstanceState,
  KeyrollMode,
  KeyrollsTable,
  RackSchema,
} from '../database/schema.ts'
import type { SshKeys } from '../instances/ssh-keys.ts'

export type KeyrollRow = KeyrollsTable

export interface KeyrollInstanceRow {
  id: string
  state: KeyrollInstanceState
  problem: string | null
}

type Tx = Transaction<RackSchema>

/** What is written of keyrolls: intents before an act, facts after it. */
export class KeyrollRecords {
  readonly #store: Store<RackSchema>
  readonly #sshKeys: SshKeys
  readonly #now: () => number

  constructor(store: Store<RackSchema>, sshKeys: SshKeys, now: () => number = Date.now) {
    this.#store = store
    this.#sshKeys = sshKeys
    this.#now = now
  }

  /** The newest; those before it are done, or it took over what they left. */
  newest(): Promise<KeyrollRow | undefined> {
    return this.#store.db
      .selectFrom('keyrolls')
      .selectAll()
      .orderBy('generation', 'desc')
      .executeTakeFirst()
  }

  /**
   * Seals a new pair, in one transaction with the roll that it is for and the instances that it is
   * for. Undefined when another roll is running: the unique index says so.
   */
  async begin(
    mode: KeyrollMode,
    requestId: string,
    instanceIds: readonly string[],
  ): Promise<KeyrollRow | undefined> {
    try {
      return await this.#store.transaction(async (tx) => {
        const roll = await this.#insertRoll(tx, mode, requestId)
        for (const id of instanceIds) {
          await this.#assume(tx, id, roll.generation)
          await this.#progress(tx, roll.id, id, 'waiting', null)
        }
        return roll
      })
    } catch (error) {
      if (isUniqueViolation(error)) return undefined
      throw error
    }
  }

  async instances(rollId: string): Promise<KeyrollInstanceRow[]> {
    return this.#store.db
      .selectFrom('keyroll_instances')
      .select(['instance_id as id', 'state', 'problem'])
      .where('keyroll_id', '=', rollId)
      .orderBy('instance_id')
      .execute()
  }

  /** Before our line is added: from here on it may be there. */
  async adding(rollId: string, instanceId: string, generation: number): Promise<void> {
    await this.#store.transaction(async (tx) => {
      await this.#progress(tx, rollId, instanceId, 'adding', null)
      await tx
        .insertInto('instance_keys')
        .values(this.#keyRow(instanceId, generation, 'adding'))
        .onConflict((conflict) => conflict.columns(['instance_id', 'generation']).doNothing())
        .execute()
    })
  }

  /** The new key has logged in, and the old ones are about to go. */
  async removing(rollId: string, instanceId: string, generation: number): Promise<void> {
    await this.#store.transaction(async (tx) => {
      await this.#progress(tx, rollId, instanceId, 'removing', null)
      await this.#installed(tx, instanceId, generation)
      await tx
        .updateTable('instance_keys')
        .set({ state: 'removing', updated_at: this.#now() })
        .where('instance_id', '=', instanceId)
        .where('generation', '<>', generation)
        .execute()
    })
  }

  /** The new key is the only one of ours that opens the instance. */
  async settled(rollId: string, instanceId: string, generation: number): Promise<void> {
    await this.#store.transaction(async (tx) => {
      await this.#progress(tx, rollId, instanceId, 'done', null)
      await tx.deleteFrom('instance_keys').where('instance_id', '=', instanceId).execute()
      await this.#installed(tx, instanceId, generation)
    })
  }

  async problem(rollId: string, instanceId: string, problem: string): Promise<void> {
    await this.#store.db
      .insertInto('keyroll_instances')
      .values({
        keyroll_id: rollId,
        instance_id: instanceId,
        state: 'adding',
        problem,
        updated_at: this.#now(),
      })
      .onConflict((conflict) =>
        conflict.columns(['keyroll_id', 'instance_id']).doUpdateSet({ problem }),
      )
      .execute()
  }

  /** It does not exist any more, and nothing that opened it opens anything. */
  async gone(rollId: string, instanceId: string): Promise<void> {
    await this.#store.transaction(async (tx) => {
      await this.#progress(tx, rollId, instanceId, 'gone', null)
      await tx.deleteFrom('instance_keys').where('instance_id', '=', instanceId).execute()
    })
  }

  /** Every id that something is recorded of. */
  async recordedIds(): Promise<string[]> {
    const rows = await this.#store.db
      .selectFrom('instance_keys')
      .select('instance_id')
      .distinct()
      .execute()
    return rows.map((row) => row.instance_id)
  }

  /** From here on new instances get the new generation only. */
  async commit(roll: KeyrollRow): Promise<void> {
    await this.#store.transaction(async (tx) => {
      await this.#sshKeys.makeCurrent(tx, roll.generation)
      await tx
        .updateTable('keyrolls')
        .set({ state: 'unfinished' })
        .where('id', '=', roll.id)
        .where('state', '=', 'running')
        .execute()
    })
  }

  /** The leaving generations that none of the instances left behind can have any more. */
  async leftBy(behind: readonly string[]): Promise<number[]> {
    const live = await this.#sshKeys.live()
    const rows = await this.#store.db
      .selectFrom('instance_keys')
      .select(['instance_id', 'generation'])
      .execute()
    const mayHave = (id: string, generation: number): boolean => {
      const known = rows.filter((row) => row.instance_id === id)
      return known.length === 0 || known.some((row) => row.generation === generation)
    }
    return live
      .filter(({ state }) => state === 'leaving')
      .map(({ generation }) => generation)
      .filter((generation) => !behind.some((id) => mayHave(id, generation)))
  }

  async destroy(generation: number): Promise<void> {
    await this.#store.transaction((tx) => this.#sshKeys.destroy(tx, generation))
  }

  async finish(roll: KeyrollRow): Promise<void> {
    await this.#store.db
      .updateTable('keyrolls')
      .set({ state: 'done', finished_at: this.#now() })
      .where('id', '=', roll.id)
      .where('state', '=', 'unfinished')
      .execute()
  }

  async #insertRoll(tx: Tx, mode: KeyrollMode, requestId: string): Promise<KeyrollRow> {
    await tx
      .updateTable('keyrolls')
      .set({ state: 'superseded' })
      .where('state', '=', 'unfinished')
      .execute()
    const roll: KeyrollRow = {
      id: randomUUID(),
      generation: await this.#sshKeys.addNext(tx),
      mode,
      state: 'running',
      request_id: requestId,
      started_at: this.#now(),
      finished_at: null,
    }
    await tx.insertInto('keyrolls').values(roll).execute()
    return roll
  }

  /** An instance of which nothing is recorded yet was born with what was live then. */
  async #assume(tx: Tx, instanceId: string, next: number): Promise<void> {
    const known = await tx
      .selectFrom('instance_keys')
      .select('generation')
      .where('instance_id', '=', instanceId)
      .executeTakeFirst()
    if (known !== undefined) return
    const live = await tx
      .selectFrom('ssh_keys')
      .select('generation')
      .where('state', '<>', 'destroyed')
      .where('generation', '<', next)
      .execute()
    const rows = live.map(({ generation }) => this.#keyRow(instanceId, generation, 'assumed'))
    if (rows.length > 0) await tx.insertInto('instance_keys').values(rows).execute()
  }

  async #progress(
    tx: Tx,
    rollId: string,
    instanceId: string,
    state: KeyrollInstanceState,
    problem: string | null,
  ): Promise<void> {
    const values = { state, problem, updated_at: this.#now() }
    await tx
      .insertInto('keyroll_instances')
      .values({ keyroll_id: rollId, instance_id: instanceId, ...values })
      .onConflict((conflict) => conflict.columns(['keyroll_id', 'instance_id']).doUpdateSet(values))
      .execute()
  }

  async #installed(tx: Tx, instanceId: string, generation: number): Promise<void> {
    const row = this.#keyRow(instanceId, generation, 'installed')
    await tx
      .insertInto('instance_keys')
      .values(row)
      .onConflict((conflict) => conflict.columns(['instance_id', 'generation']).doUpdateSet(row))
      .execute()
  }

  #keyRow(instance_id: string, generation: number, state: InstanceKeyState): InstanceKeysTable {
    return { instance_id, generation, state, updated_at: this.#now() }
  }
}
