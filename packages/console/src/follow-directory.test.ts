import { hashApiKey, Secret } from '@keyrack/secrets'
import { asSuperuser, HAS_POSTGRES } from '@keyrack/server/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { signIn } from './accounts/sign-in.ts'
import { regenerateApiKey } from './api-keys/regenerate-api-key.ts'
import { verifyChain } from './audit/chain.ts'
import { createDirectory } from './directory.ts'
import { DirectoryFollower } from './follow-directory.ts'
import { beforeDirectory } from './http/before-directory.ts'
import { basic } from './http/testing/serve-console.ts'
import {
  founder,
  invited,
  openDomain,
  PASSWORD,
  REQUEST,
  type TestDomain,
} from './testing/console-domain.ts'
import { eventually } from './testing/eventually.ts'
import { twoConsoles } from './testing/two-consoles.ts'

/** What is promised: design 4. */
const SECOND = 1_000

const knows = (directory: TestDomain['directory'], key: Secret) =>
  directory.accountByApiKeyHash(hashApiKey(key)) !== undefined

async function pair() {
  const { url, env, folders } = await twoConsoles()
  const [first, second] = [
    await openDomain(folders[0], { env }),
    await openDomain(folders[1], { env }),
  ]
  return { url, env, folders, first, second }
}

/** A follower of its own on a Console's database, with a clock that stands and no polls or news. */
async function lonelyFollower({ store, log }: TestDomain) {
  const clock = { now: 5_000 }
  const directory = createDirectory(store)
  const follower = new DirectoryFollower({
    store: { ...store, shared: undefined } as unknown as typeof store,
    directory,
    log,
    monotonic: () => clock.now,
    pollMs: 2 ** 30,
  })
  await follower.start()
  onTestFinished(() => follower.stop())
  return { clock, directory, follower }
}

/** Nobody can connect any more, and nobody is connected. */
async function cutOff(url: string): Promise<void> {
  const name = new URL(url).pathname.slice(1)
  await asSuperuser(`alter database ${name} allow_connections false`)
  await asSuperuser(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`,
  )
}
const reconnect = (url: string) =>
  asSuperuser(`alter database ${new URL(url).pathname.slice(1)} allow_connections true`)

describe.runIf(HAS_POSTGRES)('two Consoles on one database', () => {
  it('each show what the other writes', async () => {
    const { first, second } = await pair()
    const ada = await founder(first)
    await eventually('the second knows the first account', () =>
      knows(second.directory, ada.apiKey),
    )
    expect(second.directory.empty).toBe(false)
    const bob = await invited(second, ada, 'bob@example.com')
    await eventually('the first knows the second account', () => knows(first.directory, bob.apiKey))
    const { apiKey } = await regenerateApiKey(second, ada.id, REQUEST)
    await eventually('the first refuses the old key', () => !knows(first.directory, ada.apiKey))
    expect(knows(first.directory, apiKey)).toBe(true)
  })

  it('let one first account in, whoever asks where', async () => {
    const { first, second } = await pair()
    const attempts = await Promise.allSettled([founder(first), founder(second)])
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await first.store.db.selectFrom('accounts').selectAll().execute()).toHaveLength(1)
  })

  it('append to the same audit chains, and each finishes only what itself left open', async () => {
    const { first, second, env, folders } = await pair()
    const ada = await founder(first)
    const event = {
      organizationId: ada.organization.id,
      actor: { id: ada.id, name: ada.email },
      action: 'test.write',
      target: 'x',
      ...REQUEST,
    }
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 === 0 ? first : second).audit.record(event, { status: 200 }),
      ),
    )
    const running = await first.audit.started(event)
    const cutOffByACrash = await second.audit.started(event)
    await second.close()
    const again = await openDomain(folders[1], { env })
    await first.audit.finished(running, { status: 200 })
    const rows = await first.store.db
      .selectFrom('audit')
      .where('chain', '=', ada.organization.id)
      .selectAll()
      .orderBy('sequence')
      .execute()
    expect(verifyChain(rows)).toBeUndefined()
    const outcomeOf = (id: string) =>
      rows.find((row) => row.event_id === id && row.phase === 'finished')?.outcome
    expect([outcomeOf(running), outcomeOf(cutOffByACrash)]).toEqual(['succeeded', 'unknown'])
    expect(await again.audit.finishInterrupted()).toBe(0)
  })

  it('with different master keys: the second is refused by the id it needs', async () => {
    const { env, folders } = await twoConsoles()
    const [one] = await Promise.all([openDomain(folders[0], { env })])
    const stranger = await twoConsoles()
    const wrong = openDomain(folders[1], { env: { ...env, KEY_DIR: stranger.env.KEY_DIR } })
    await expect(wrong).rejects.toThrow(one.keyring.newest.id)
  })

  it('without any master key make none, and say how to', async () => {
    const { env, folders } = await twoConsoles()
    const missing = openDomain(folders[0], { env: { ...env, KEY_DIR: `${folders[0]}/none` } })
    await expect(missing).rejects.toMatchObject({
      message: expect.stringContaining('no master key'),
      hint: expect.stringContaining('keyrack-console keys create'),
    })
  })

  it('sign somebody in whose account the other one has just made', async () => {
    const { first, second } = await pair()
    const { directory, follower } = await lonelyFollower(second)
    const ada = await founder(first)
    const deaf: TestDomain = { ...second, directory, freshness: follower }
    expect(directory.accountById(ada.id)).toBeUndefined()
    const input = { email: ada.email, password: Secret.of(PASSWORD) }
    expect((await signIn(deaf, input, REQUEST)).account.id).toBe(ada.id)
  })
})

describe.runIf(HAS_POSTGRES)('a Console that hears no announcement', () => {
  it('answers from memory for one second of its own clock after it has asked, and not longer', async () => {
    const { first, second } = await pair()
    const ada = await founder(first)
    const { clock, directory, follower } = await lonelyFollower(second)
    await regenerateApiKey(first, ada.id, REQUEST)
    clock.now += SECOND - 1
    expect(follower.lapsed()).toBeUndefined()
    expect(knows(directory, ada.apiKey)).toBe(true)
    clock.now += 1
    await follower.lapsed()
    expect(knows(directory, ada.apiKey)).toBe(false)
  })

  it('counts that second from before the question, however long the answer takes', async () => {
    const { second } = await pair()
    const { clock, follower } = await lonelyFollower(second)
    const asked = follower.newest()
    // The clock goes on while the database answers.
    clock.now += SECOND
    await asked
    expect(follower.lapsed()).toBeInstanceOf(Promise)
  })

  it('knows a key of the other Console at its first use, and asks nothing for one that is mistyped', async () => {
    const { first, second } = await pair()
    const { directory, follower } = await lonelyFollower(second)
    const ada = await founder(first)
    const deaf = { directory, freshness: follower }
    const mistyped = `${ada.apiKey.reveal().slice(0, -1)}_`
    expect(beforeDirectory(deaf, basic(mistyped))).toBeUndefined()
    expect(beforeDirectory(deaf, undefined)).toBeUndefined()
    expect(knows(directory, ada.apiKey)).toBe(false)
    await beforeDirectory(deaf, basic(ada.apiKey.reveal()))
    expect(knows(directory, ada.apiKey)).toBe(true)
    expect(beforeDirectory(deaf, basic(ada.apiKey.reveal()))).toBeUndefined()
  })

  it('finds out by polling', async () => {
    const { url, first, second } = await pair()
    const ada = await founder(first)
    await eventually('known', () => knows(second.directory, ada.apiKey))
    // What another Console writes, without the announcement.
    await asSuperuser('update directory_version set version = version + 1', url)
    await asSuperuser(`update api_keys set hash = 'other'`, url)
    await asSuperuser('update directory_version set version = version + 1', url)
    await eventually('refused', () => !knows(second.directory, ada.apiKey))
  })

  it('hears again after its listening connection was cut', async () => {
    const { url, first, second } = await pair()
    const ada = await founder(first)
    await eventually('known', () => knows(second.directory, ada.apiKey))
    const name = new URL(url).pathname.slice(1)
    await asSuperuser(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = '${name}' and application_name = 'keyrack listen'`)
    await regenerateApiKey(first, ada.id, REQUEST)
    await eventually('refused', () => !knows(second.directory, ada.apiKey))
    await eventually('listening again', async () => {
      const rows = await asSuperuser(`select 1 from pg_stat_activity
        where datname = '${name}' and application_name = 'keyrack listen'`)
      return rows.length === 2
    })
  })

  it('refuses requests when the database cannot be read either, and goes on when it is back', async () => {
    const { url, second } = await pair()
    const { clock, follower } = await lonelyFollower(second)
    await cutOff(url)
    expect(follower.lapsed()).toBeUndefined()
    clock.now += SECOND
    await expect(follower.lapsed()).rejects.toMatchObject({ code: 'not-ready' })
    await reconnect(url)
    await follower.lapsed()
    expect(follower.lapsed()).toBeUndefined()
  })

  it('refuses requests when the database has gone back to an older state', async () => {
    const { url, first, second } = await pair()
    await founder(first)
    const { clock, follower } = await lonelyFollower(second)
    await asSuperuser('update directory_version set version = 1', url)
    clock.now += SECOND
    await expect(follower.lapsed()).rejects.toMatchObject({ code: 'not-ready' })
  })

  it('asks once for many requests that wait at the same time', async () => {
    const { second } = await pair()
    const { clock, directory, follower } = await lonelyFollower(second)
    let asked = 0
    const db = second.store.db
    const counting = db.withPlugin({
      transformQuery: ({ node }) => {
        asked += 1
        return node
      },
      transformResult: async ({ result }) => result,
    })
    const counted = new DirectoryFollower({
      store: { ...second.store, shared: undefined, db: counting } as unknown as typeof second.store,
      directory,
      log: second.log,
      monotonic: () => clock.now,
    })
    await Promise.all(Array.from({ length: 100 }, () => counted.lapsed()))
    expect(asked).toBeLessThanOrEqual(2)
    expect(follower.shared).toBe(true)
  })
})
