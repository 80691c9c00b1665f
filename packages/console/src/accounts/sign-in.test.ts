import { KeyrackError } from '@keyrack/protocol'
import { Secret } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { regenerateApiKey } from '../api-keys/regenerate-api-key.ts'
import { findSession } from '../sessions/find.ts'
import {
  founder,
  openDomain,
  PASSWORD,
  REQUEST,
  type TestDomain,
} from '../testing/console-domain.ts'
import { PasswordWork } from './password-work.ts'
import { signIn } from './sign-in.ts'
import {
  ADDRESSES_MAX,
  countAttempt,
  FAILURES_MAX,
  rememberAddress,
  SUBJECTS_MAX,
} from './sign-in-limit.ts'
import { SignInThrottle } from './sign-in-throttle.ts'

const ELSEWHERE = { requestId: 'test-elsewhere', address: '198.51.100.9' }

function attempt(domain: TestDomain, email: string, password = PASSWORD, request = REQUEST) {
  return signIn(domain, { email, password: Secret.of(password) }, request)
}

async function failure(work: Promise<unknown>) {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof KeyrackError)) throw new TypeError('did not fail', { cause: error })
  return { code: error.code, message: error.message, hint: error.hint, field: error.field }
}

/** Never delays, so that a test can fail a hundred times. */
class PatientThrottle extends SignInThrottle {
  override attempt(): void {}
}

/** The real work, and what it was asked to compare with. */
async function watchedPasswords() {
  const passwords = new PasswordWork()
  const verify = passwords.verify.bind(passwords)
  const seen: Array<string | undefined> = []
  passwords.verify = (phc, password) => {
    seen.push(phc)
    return verify(phc, password)
  }
  return { passwords, seen }
}

describe('signing in', () => {
  it('gives a new session each time, for any spelling of the address', async () => {
    const domain = await openDomain()
    const ada = await founder(domain)
    const first = await attempt(domain, 'ada@example.com')
    const second = await attempt(domain, '  ADA@ｅxample.com ')
    expect(first.account.id).toBe(ada.id)
    expect(first.session.token.reveal()).not.toBe(second.session.token.reveal())
    for (const { session } of [first, second]) {
      expect((await findSession(domain, session.token.reveal()))?.account.id).toBe(ada.id)
    }
  })

  it('says the same, and does the same work, for a wrong password and an unknown address', async () => {
    const { passwords, seen } = await watchedPasswords()
    const domain = await openDomain(undefined, { passwords })
    await founder(domain)
    const wrong = await failure(attempt(domain, 'ada@example.com', 'another long password'))
    const unknown = await failure(attempt(domain, 'eve@example.com', 'another long password'))
    const nonsense = await failure(attempt(domain, 'no address', 'another long password'))
    expect(unknown).toEqual(wrong)
    expect(nonsense).toEqual(wrong)
    expect(wrong.code).toBe('unauthenticated')
    expect(wrong.field).toBeUndefined()
    expect(seen.map((phc) => typeof phc)).toEqual(['string', 'undefined', 'undefined'])
    const counted = await domain.store.db.selectFrom('sign_in_failures').selectAll().execute()
    expect(counted.map(({ failures }) => failures)).toEqual([1, 1, 1])
  })

  it('refuses the password that stands for unknown addresses, whatever it is', async () => {
    const passwords = new PasswordWork()
    expect(await passwords.verify(undefined, Secret.of(PASSWORD))).toBe(false)
    const phc = await passwords.hash(Secret.of(PASSWORD))
    expect(await passwords.verify(phc, Secret.of(PASSWORD))).toBe(true)
    expect(await passwords.verify(phc, Secret.of(`${PASSWORD} `))).toBe(false)
  })

  it('refuses a megabyte before any work is done on it', async () => {
    const { passwords, seen } = await watchedPasswords()
    const domain = await openDomain(undefined, { passwords })
    await founder(domain)
    const megabyte = 'x'.repeat(1024 * 1024)
    const refused = await failure(attempt(domain, 'ada@example.com', megabyte))
    expect(refused.code).toBe('unauthenticated')
    expect(await failure(attempt(domain, megabyte))).toEqual(refused)
    expect(seen).toEqual([])
  })

  it('records a success in the chain of the organization and logs no address that was typed', async () => {
    const domain = await openDomain()
    const ada = await founder(domain)
    await attempt(domain, 'ada@example.com')
    await failure(attempt(domain, 'my-password-by-mistake'))
    const rows = await domain.store.db
      .selectFrom('audit')
      .where('action', '=', 'account.sign-in')
      .selectAll()
      .execute()
    expect(rows.map(({ chain, outcome }) => [chain, outcome])).toEqual([
      [ada.organization.id, null],
      [ada.organization.id, 'succeeded'],
    ])
    expect(domain.lines.join('')).toContain('sign-in refused')
    expect(domain.lines.join('')).not.toContain('by-mistake')
  })
})

describe('guessing', () => {
  it('is delayed for the guesser and not for the owner elsewhere', async () => {
    const domain = await openDomain()
    await founder(domain)
    for (let guess = 0; guess < 6; guess += 1) {
      await failure(attempt(domain, 'ada@example.com', `guess number ${guess} here`, ELSEWHERE))
    }
    const delayed = await failure(attempt(domain, 'ada@example.com', PASSWORD, ELSEWHERE))
    expect(delayed.code).toBe('throttled')
    await attempt(domain, 'ada@example.com')
  })

  it('cannot be sped up by guessing many times at once', async () => {
    const domain = await openDomain()
    await founder(domain)
    const guesses = Array.from({ length: 20 }, (_, index) =>
      failure(attempt(domain, 'ada@example.com', `guess number ${index} here`, ELSEWHERE)),
    )
    const codes = (await Promise.all(guesses)).map(({ code }) => code)
    expect(codes.filter((code) => code === 'unauthenticated')).toHaveLength(5)
    expect(codes.filter((code) => code === 'throttled')).toHaveLength(15)
  })

  it('ends after 100 failures on one account, for accounts and strangers alike', async () => {
    const { passwords, seen } = await watchedPasswords()
    const domain = await openDomain(undefined, { throttle: new PatientThrottle(), passwords })
    await founder(domain)
    await exhaust(domain, 'ada@example.com')
    await exhaust(domain, 'eve@example.com')
    seen.length = 0
    const known = await failure(attempt(domain, 'ada@example.com', PASSWORD, ELSEWHERE))
    const unknown = await failure(attempt(domain, 'eve@example.com', PASSWORD, ELSEWHERE))
    expect(known.code).toBe('throttled')
    expect(unknown).toEqual(known)
    expect(seen).toEqual([])
  })

  it('does not keep the owner from signing in where they did before, which lifts the limit', async () => {
    const domain = await openDomain(undefined, { throttle: new PatientThrottle() })
    await founder(domain)
    await exhaust(domain, 'ada@example.com')
    await attempt(domain, 'ada@example.com')
    await attempt(domain, 'ada@example.com', PASSWORD, ELSEWHERE)
  })

  it('is lifted by whoever holds the API key', async () => {
    const domain = await openDomain(undefined, { throttle: new PatientThrottle() })
    const ada = await founder(domain)
    await exhaust(domain, 'ada@example.com')
    await regenerateApiKey(domain, ada.id, ELSEWHERE)
    await attempt(domain, 'ada@example.com', PASSWORD, ELSEWHERE)
  })

  it('ends after 100 failures from a known address too', async () => {
    const domain = await openDomain(undefined, { throttle: new PatientThrottle() })
    await founder(domain)
    await exhaust(domain, 'ada@example.com')
    await domain.store.transaction((tx) =>
      tx.updateTable('known_addresses').set({ failures: FAILURES_MAX }).execute(),
    )
    expect(await failure(attempt(domain, 'ada@example.com'))).toMatchObject({ code: 'throttled' })
  })

  it('from a known address counts for all others, too', async () => {
    const domain = await openDomain(undefined, { throttle: new PatientThrottle() })
    await founder(domain)
    await failure(attempt(domain, 'ada@example.com', 'another long password'))
    const rows = await domain.store.db.selectFrom('sign_in_failures').select('failures').execute()
    expect(rows).toEqual([{ failures: 1 }])
    await domain.store.transaction((tx) =>
      tx.updateTable('sign_in_failures').set({ failures: FAILURES_MAX }).execute(),
    )
    const elsewhere = await failure(attempt(domain, 'ada@example.com', PASSWORD, ELSEWHERE))
    expect(elsewhere.code).toBe('throttled')
    await attempt(domain, 'ada@example.com')
  })

  it('of made-up addresses keeps a bounded number of rows, and what was guessed at most', async () => {
    const domain = await openDomain(undefined, { throttle: new PatientThrottle() })
    await founder(domain)
    await exhaust(domain, 'ada@example.com')
    const now = domain.clock()
    const made = Array.from({ length: SUBJECTS_MAX - 1 }, (_, index) => ({
      ...{ subject: `made-up ${index}`, failures: 1, last_at: now + index },
    }))
    await domain.store.transaction(async (tx) => {
      for (let from = 0; from < made.length; from += 1000) {
        const some = made.slice(from, from + 1000)
        await tx.insertInto('sign_in_failures').values(some).execute()
      }
      await countAttempt(tx, 'one more', ELSEWHERE.address, now)
    })
    const kept = await domain.store.db.selectFrom('sign_in_failures').select('failures').execute()
    expect(kept).toHaveLength(0.9 * SUBJECTS_MAX + 1)
    expect(kept).toContainEqual({ failures: FAILURES_MAX })
  })

  it('remembers a bounded number of addresses of an account, the newest, and no old ones', async () => {
    let now = Date.parse('2026-11-23T12:00:00Z')
    const domain = await openDomain(undefined, { clock: () => now })
    const remember = (subject: string, address: string) =>
      domain.store.transaction((tx) => rememberAddress(tx, subject, address, ++now))
    await remember('moved away', '192.0.2.1')
    now += 91 * 24 * 60 * 60_000
    for (let index = 0; index <= ADDRESSES_MAX; index += 1) {
      await remember('traveller', `198.51.100.${index}`)
    }
    const kept = await domain.store.db.selectFrom('known_addresses').select('address').execute()
    expect(kept).toHaveLength(ADDRESSES_MAX)
    expect(kept).toContainEqual({ address: `198.51.100.${ADDRESSES_MAX}` })
    expect(kept).not.toContainEqual({ address: '198.51.100.0' })
  })

  it('counts consecutive failures only', async () => {
    const domain = await openDomain(undefined, { throttle: new PatientThrottle() })
    await founder(domain)
    await exhaust(domain, 'ada@example.com', FAILURES_MAX - 1)
    await attempt(domain, 'ada@example.com', PASSWORD, ELSEWHERE)
    expect(await domain.store.db.selectFrom('sign_in_failures').selectAll().execute()).toEqual([])
  })
})

/** As after so many wrong passwords; the last one is really given. */
async function exhaust(domain: TestDomain, email: string, failures = FAILURES_MAX): Promise<void> {
  await failure(attempt(domain, email, 'another long password', ELSEWHERE))
  const { numUpdatedRows } = await domain.store.transaction((tx) =>
    tx
      .updateTable('sign_in_failures')
      .set({ failures })
      .where('failures', '=', 1)
      .executeTakeFirstOrThrow(),
  )
  expect(numUpdatedRows).toBe(1n)
}
