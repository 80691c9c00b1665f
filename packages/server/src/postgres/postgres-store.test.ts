import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:net'
import { errorText, KeyrackError } from '@keyrack/protocol'
import { Secret } from '@keyrack/secrets'
import { sql } from 'kysely'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openStore } from '../store/open-store.ts'
import type { Store } from '../store/store.ts'
import { startProgram } from '../testing/child-program.ts'
import {
  asSuperuser,
  HAS_POSTGRES,
  newPostgresDatabase,
  postgresServer,
} from '../testing/databases.ts'
import { PASSWORD_USER } from '../testing/postgres-server.ts'
import { ROWS_MIGRATION, type RowsSchema } from '../testing/rows-schema.ts'
import { PostgresError } from './failures.ts'

const migrations = [ROWS_MIGRATION]

async function open(url: string, notices: string[] = []): Promise<Store<RowsSchema>> {
  const notice = (text: string) => void notices.push(text)
  const store = await openStore<RowsSchema>({ url: Secret.of(url), migrations, notice })
  onTestFinished(() => store.close())
  return store
}

/** The sentence that starting with this address ends with. */
async function refusal(url: string): Promise<string> {
  const error: unknown = await open(url).catch((failure: unknown) => failure)
  expect(error).toBeInstanceOf(KeyrackError)
  return errorText(error as KeyrackError)
}

function changed(url: string, change: (parts: URL) => void): string {
  const parts = new URL(url)
  change(parts)
  return parts.href
}

const insert = (store: Store<RowsSchema>, id: string) =>
  store.transaction((tx) => tx.insertInto('rows').values({ id, n: 1 }).execute())
const idsOf = async (store: Store<RowsSchema>) =>
  (await store.db.selectFrom('rows').select('id').orderBy('id').execute()).map((row) => row.id)
/** Ends the connections of a database that go by a name, as a failing network or an operator would. */
const terminate = (url: string, name = '%') =>
  asSuperuser(`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = '${new URL(url).pathname.slice(1)}' and application_name like '${name}'
    and pid <> pg_backend_pid()`)

describe.runIf(HAS_POSTGRES)(
  'a store that cannot be opened says why, and never the password',
  () => {
    it('no server', async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address()
      const port = typeof address === 'object' ? address?.port : 0
      await new Promise((resolve) => server.close(resolve))
      const said = await refusal(`postgres://ada:s3cr3t@127.0.0.1:${port}/console`)
      expect(said).toContain(`cannot use the database console at 127.0.0.1:${port}`)
      expect(said).toContain('cannot be reached')
      expect(said).not.toContain('s3cr3t')
    })

    it('no such host, no such database', async () => {
      const host = await refusal('postgres://ada:s3cr3t@db.invalid/console?sslmode=disable')
      expect(host).toContain('cannot be reached')
      const missing = await refusal(
        changed(postgresServer(), (url) => {
          url.pathname = '/nowhere'
        }),
      )
      expect(missing).toContain('no database of that name')
      expect(missing).toContain('createdb')
    })

    it('a wrong password, or none', async () => {
      const url = await newPostgresDatabase()
      await asSuperuser(`create role ${PASSWORD_USER} login password 'right'`)
      onTestFinished(async () => void (await asSuperuser(`drop role ${PASSWORD_USER}`)))
      for (const password of ['s3cr3t', '']) {
        const wrong = changed(url, (parts) => {
          parts.username = PASSWORD_USER
          parts.password = password
        })
        const said = await refusal(wrong)
        expect(said).toContain('refuses the user or the password')
        expect(said).not.toContain('s3cr3t')
      }
    })

    it('an unknown user, a user without rights', async () => {
      const url = await newPostgresDatabase()
      const stranger = changed(url, (parts) => {
        parts.username = 'nobody_here'
        parts.password = 's3cr3t'
      })
      expect(await refusal(stranger)).toMatch(/refuses the user or the password.*DATABASE_URL/s)
      expect(await refusal(stranger)).not.toContain('s3cr3t')
      const name = `reader_${new URL(url).pathname.slice(6)}`
      await asSuperuser(`create role ${name} login`)
      onTestFinished(async () => void (await asSuperuser(`drop role ${name}`)))
      const reader = changed(url, (parts) => {
        parts.username = name
      })
      expect(await refusal(reader)).toContain('make that user the owner')
    })

    it('a server without TLS where it is demanded', async () => {
      const url = changed(await newPostgresDatabase(), (parts) => {
        parts.search = '?sslmode=verify-full'
      })
      expect(await refusal(url)).toContain('no trusted encrypted connection')
    })

    it('a read-only database, one that acknowledges too early, one in another encoding', async () => {
      const url = await newPostgresDatabase()
      const name = new URL(url).pathname.slice(1)
      await asSuperuser(`alter database ${name} set default_transaction_read_only = on`)
      expect(await refusal(url)).toContain('it is read-only')
      await asSuperuser(`alter database ${name} reset default_transaction_read_only`)
      await asSuperuser(`alter database ${name} set synchronous_commit = off`)
      expect(await refusal(url)).toContain('synchronous_commit = on')
      await asSuperuser(
        `create database ${name}_latin encoding 'LATIN1' locale 'C' template template0`,
      )
      onTestFinished(
        async () => void (await asSuperuser(`drop database ${name}_latin with (force)`)),
      )
      expect(await refusal(`${url}_latin`)).toContain('not in UTF-8')
    })

    it('a schema of a newer version', async () => {
      const url = await newPostgresDatabase()
      const newer = { id: 2, name: 'newer', up: async () => undefined }
      const store = await openStore({ url: Secret.of(url), migrations: [...migrations, newer] })
      await store.close()
      expect(await refusal(url)).toContain('schema 2')
    })

    it('warns of a server that does not sync', async () => {
      const notices: string[] = []
      await open(await newPostgresDatabase(), notices)
      expect(notices).toEqual([expect.stringContaining('fsync off')])
    })
  },
)

describe.runIf(HAS_POSTGRES)('a failing statement', () => {
  it('keeps what it held out of its error', async () => {
    const store = await open(await newPostgresDatabase())
    await insert(store, 'hunter2')
    const statements = [
      sql`insert into rows (id, n) values (${'hunter2'}, 1)`,
      sql`insert into rows (id, n) values ('x', ${'hunter2'})`,
      sql`insert into rows (id, n, text) values ('hunter3', null, 'hunter2')`,
    ]
    for (const statement of statements) {
      const error: unknown = await statement.execute(store.db).catch((failure: unknown) => failure)
      expect(error).toBeInstanceOf(PostgresError)
      const shown = JSON.stringify({ ...(error as Error), text: String(error) })
      expect(shown).not.toContain('hunter')
    }
  })

  it('of a full disk, a lock or a stopping server is a sentence', async () => {
    const store = await open(await newPostgresDatabase())
    for (const [state, text] of [
      ['53100', 'the disk of its server is full'],
      ['25006', 'read-only'],
      ['55P03', 'another writer'],
      ['53300', 'no connection left'],
      ['XX001', 'damaged'],
    ]) {
      // The server's own way to fail with any of its codes.
      const failing = sql`do ${sql.raw(
        `$$ begin raise exception 'x' using errcode = '${state}'; end $$`,
      )}`.execute(store.db)
      await expect(failing).rejects.toMatchObject({
        code: 'not-ready',
        message: expect.stringContaining(text ?? ''),
      })
    }
  })
})

describe.runIf(HAS_POSTGRES)('two stores on one database', () => {
  it('write one after the other and lose no update', async () => {
    const url = await newPostgresDatabase()
    const stores = [await open(url), await open(url)]
    await insert(stores[0] as Store<RowsSchema>, 'sum')
    const addOne = (store: Store<RowsSchema>) =>
      store.transaction(async (tx) => {
        const row = await tx.selectFrom('rows').select('n').executeTakeFirstOrThrow()
        await new Promise((resolve) => setImmediate(resolve))
        await tx
          .updateTable('rows')
          .set({ n: row.n + 1 })
          .execute()
      })
    await Promise.all(stores.flatMap((store) => Array.from({ length: 30 }, () => addOne(store))))
    expect(await stores[0]?.db.selectFrom('rows').select('n').execute()).toEqual([{ n: 61 }])
  })

  it('read one moment while the other writes, without waiting for it', async () => {
    const url = await newPostgresDatabase()
    const writer = await open(url)
    const reader = await open(url)
    const gate = new EventEmitter()
    const inside = once(gate, 'inside')
    const writing = writer.transaction(async (tx) => {
      await tx.insertInto('rows').values({ id: 'a', n: 1 }).execute()
      gate.emit('inside')
      await once(gate, 'go')
    })
    await inside
    await reader
      .read(async (tx) => {
        expect(await tx.selectFrom('rows').selectAll().execute()).toEqual([])
        gate.emit('go')
        await writing
        expect(await tx.selectFrom('rows').selectAll().execute()).toEqual([])
        await expect(tx.insertInto('rows').values({ id: 'b', n: 1 }).execute()).rejects.toThrow(
          'read-only',
        )
      })
      .catch((error: unknown) => {
        // The refused write has spoiled the reading transaction, which says so.
        expect(error).toBeInstanceOf(TypeError)
      })
    expect(await idsOf(reader)).toEqual(['a'])
  })

  it('go on when one is killed in the middle of a write, which leaves nothing', async () => {
    const url = await newPostgresDatabase()
    const store = await open(url)
    const holder = startProgram('hold-write', [url])
    onTestFinished(() => void holder.process.kill('SIGKILL'))
    await holder.printed('holding')
    const waiting = insert(store, 'after')
    holder.process.kill('SIGKILL')
    await waiting
    expect(await idsOf(store)).toEqual(['after'])
  })

  it('go on when one is frozen in the middle of a write, which leaves nothing', async () => {
    const url = await newPostgresDatabase()
    const store = await open(url)
    const holder = startProgram('hold-write', [url])
    onTestFinished(() => void holder.process.kill('SIGKILL'))
    await holder.printed('holding')
    holder.process.kill('SIGSTOP')
    await insert(store, 'after')
    expect(await idsOf(store)).toEqual(['after'])
  })
})

describe.runIf(HAS_POSTGRES)('a server that becomes a standby', () => {
  it('is not read from any more: what it says may be old', async () => {
    const url = await newPostgresDatabase()
    const name = new URL(url).pathname.slice(1)
    const store = await open(url)
    await asSuperuser(`alter database ${name} set default_transaction_read_only = on`)
    await terminate(url)
    // The connections from before are gone; the first answer may still be about one of them.
    await store.check().catch(() => undefined)
    await expect(store.check()).rejects.toMatchObject({
      code: 'not-ready',
      message: expect.stringContaining('read-only'),
    })
    await asSuperuser(`alter database ${name} reset default_transaction_read_only`)
    await store.check()
  })
})

describe.runIf(HAS_POSTGRES)('a connection that is cut', () => {
  it('fails what it was in the middle of and nothing after that', async () => {
    const url = await newPostgresDatabase()
    const store = await open(url)
    const cut = store.transaction(async (tx) => {
      await tx.insertInto('rows').values({ id: 'lost', n: 1 }).execute()
      await terminate(url)
      await tx.insertInto('rows').values({ id: 'lost too', n: 1 }).execute()
    })
    await expect(cut).rejects.toMatchObject({ code: 'not-ready' })
    await insert(store, 'kept')
    expect(await idsOf(store)).toEqual(['kept'])
  })

  it('while idle is replaced without anybody noticing', async () => {
    const url = await newPostgresDatabase()
    const store = await open(url)
    await Promise.all(Array.from({ length: 8 }, () => store.check()))
    await terminate(url)
    // The pool hears of each in its own time; what still meets one is refused, which takes it away.
    for (let old = 0; old < 8; old += 1) {
      const met = await store.check().catch((error: unknown) => error)
      if (met !== undefined) expect(met).toMatchObject({ code: 'not-ready' })
    }
    await insert(store, 'kept')
    expect(await idsOf(store)).toEqual(['kept'])
  })
})

describe.runIf(HAS_POSTGRES)('announcements', () => {
  /** Collects what is heard; `next` resolves with the next event. */
  async function listening(store: Store<RowsSchema>) {
    const events = new EventEmitter()
    const heard: string[] = []
    const next = () => once(events, 'event')
    const first = next()
    const tell = (text: string) => {
      heard.push(text)
      events.emit('event')
    }
    const subscription = store.shared?.listen('news', {
      heard: tell,
      connected: () => tell('(connected)'),
      lost: () => tell('(lost)'),
    })
    onTestFinished(() => subscription?.close())
    await first
    return { heard, next, subscription }
  }
  const announce = (store: Store<RowsSchema>, text: string, fail = false) =>
    store.transaction(async (tx) => {
      await store.shared?.announce(tx, 'news', text)
      if (fail) throw new Error('changed my mind')
    })

  it('are heard by the others after the commit, and never when there is none', async () => {
    const url = await newPostgresDatabase()
    const speaker = await open(url)
    const { heard, next } = await listening(await open(url))
    await announce(speaker, 'not this', true).catch(() => undefined)
    const arrived = next()
    await announce(speaker, "it's 🔑")
    await arrived
    expect(heard).toEqual(['(connected)', "it's 🔑"])
  })

  it('go on after the listening connection was cut, and say that some may be missing', async () => {
    const url = await newPostgresDatabase()
    const store = await open(url)
    const { heard, next } = await listening(store)
    for (let round = 0; round < 2; round += 1) {
      const lost = next()
      await terminate(url, 'keyrack listen')
      await lost
      await next()
    }
    const arrived = next()
    await announce(store, 'after')
    await arrived
    expect(heard).toEqual([
      '(connected)',
      ...['(lost)', '(connected)', '(lost)', '(connected)', 'after'],
    ])
  })

  it('end with close, which leaves no connection behind', async () => {
    const url = await newPostgresDatabase()
    const store = await open(url)
    const { heard, subscription } = await listening(store)
    await subscription?.close()
    await store.close()
    await announce(await open(url), 'unheard')
    expect(heard).toEqual(['(connected)'])
  })
})
