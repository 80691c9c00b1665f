import { mintApiKey } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { KEY, logIn, newConsole, newPerson } from '../../testing/person.ts'
import { type Asked, consoleBehaviour } from '../../testing/test-server.ts'

const PASSWORD = 'nine purple lanterns drift'

/** A Console that replaces the key, and answers the first few times with what is no answer. */
async function rolling(lost: number) {
  const fresh = mintApiKey('user').reveal()
  const state = { keys: new Map([[KEY, 'ann@example.com']]), racks: [] }
  const usual = consoleBehaviour(state)
  const asked: Asked[] = []
  const server = await newConsole(state, {
    answer(one) {
      if (one.path !== '/api/account/api-key') return usual.answer(one)
      asked.push(one)
      // The old key is refused from the first request on, whether or not its answer arrives.
      state.keys = new Map([[fresh, 'ann@example.com']])
      const usable = consoleBehaviour(state)
      usual.answer = usable.answer
      const cut = { headers: { connection: 'close', 'content-length': '99' }, body: '{"api_' }
      return asked.length <= lost ? cut : { status: 201, body: { api_key: fresh } }
    },
  })
  const ann = newPerson()
  await logIn(ann, server)
  const roll = (...more: string[]) =>
    ann.run(['auth', 'roll', '--password-stdin', ...more], { stdin: `${PASSWORD}\n` })
  return { ann, asked, fresh, roll, server }
}

describe('convox auth roll', () => {
  it('stores the new key, which works from then on, and shows it nowhere', async () => {
    const { ann, asked, fresh, roll, server } = await rolling(0)
    const ran = await roll()
    expect(ran).toMatchObject({ status: 0, stderr: expect.stringContaining('OK') })
    expect(JSON.parse(ann.stored('auth') ?? '')).toEqual({ [server.host]: fresh })
    expect(ran.stdout + ran.stderr).not.toContain(fresh)
    expect(ran.stdout + ran.stderr).not.toContain(PASSWORD)
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({
      roll: expect.stringMatching(/^[\w-]{8,64}$/),
      email: 'ann@example.com',
      password: PASSWORD,
    })
    expect((await ann.run(['auth'])).status).toBe(0)
  })

  it('asks again with the same roll id when the answer was lost', async () => {
    const { ann, asked, fresh, roll, server } = await rolling(1)
    expect(await roll()).toMatchObject({ status: 0 })
    expect(asked).toHaveLength(2)
    expect(asked[1]?.body).toBe(asked[0]?.body)
    expect(asked.map(({ password }) => password)).toEqual([undefined, undefined])
    expect(JSON.parse(ann.stored('auth') ?? '')).toEqual({ [server.host]: fresh })
  })

  it('says how to ask again when every answer was lost, and that works', async () => {
    const { ann, asked, fresh, roll, server } = await rolling(3)
    const ran = await roll()
    expect(ran.status).toBe(1)
    expect(JSON.parse(ann.stored('auth') ?? '')).toEqual({ [server.host]: KEY })
    const [, id = ''] = /--roll-id (\S+) --email ann@example\.com/.exec(ran.stderr) ?? []
    const again = await roll('--roll-id', id, '--email', 'ann@example.com')
    expect(again).toMatchObject({ status: 0 })
    expect(asked.at(-1)?.body).toBe(asked[0]?.body)
    expect(JSON.parse(ann.stored('auth') ?? '')).toEqual({ [server.host]: fresh })
  })

  it.each(['', '\n'])(
    'says what is missing when stdin is %j, and asks for no key',
    async (stdin) => {
      const { ann, asked } = await rolling(0)
      const ran = await ann.run(['auth', 'roll', '--password-stdin'], { stdin })
      expect(ran).toMatchObject({ status: 1, stderr: expect.stringContaining('no password') })
      expect(asked).toEqual([])
    },
  )

  it('refuses a key of the environment, where no new one can be stored', async () => {
    const { ann, asked, server } = await rolling(0)
    const env = { CONVOX_HOST: server.host, CONVOX_PASSWORD: KEY }
    const ran = await ann.run(['auth', 'roll', '--password-stdin'], { env, stdin: PASSWORD })
    expect(ran).toMatchObject({ status: 1, stderr: expect.stringContaining('CONVOX_PASSWORD') })
    expect(asked).toEqual([])
  })
})
