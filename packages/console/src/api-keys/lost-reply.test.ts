import { hashApiKey, Secret } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { confirmPassword } from '../accounts/confirm-password.ts'
import type { ConsoleContext } from '../context.ts'
import { COPY_LIFE_MS, LastUses } from '../key-uses/last-uses.ts'
import { entry, founder, openDomain, PASSWORD, REQUEST } from '../testing/console-domain.ts'
import { regenerateApiKey } from './regenerate-api-key.ts'

const ROLL = 'lost-reply_1'

const proofOf = (domain: ConsoleContext, id: string) =>
  confirmPassword(domain, entry(domain, id), Secret.of(PASSWORD), REQUEST)

async function regenerated(changes: Parameters<typeof openDomain>[1] = {}) {
  const domain = await openDomain(undefined, changes)
  const ada = await founder(domain)
  const proof = await proofOf(domain, ada.id)
  const made = await regenerateApiKey(domain, ada.id, REQUEST, { roll: ROLL })
  const again = (roll = ROLL) => regenerateApiKey(domain, ada.id, REQUEST, { roll, proof })
  return { domain, ada, proof, made, again }
}

const copies = async (domain: ConsoleContext) => {
  const rows = await domain.store.db.selectFrom('api_key_rolls').selectAll().execute()
  return rows.filter((row) => row.sealed_key !== null).length
}

describe('a regeneration whose reply was lost', () => {
  it('is asked for again with its roll id and the password, and gives the same key', async () => {
    const { domain, ada, made, again } = await regenerated()
    const shown = await again()
    expect(shown.again).toBe(true)
    expect(shown.apiKey.reveal()).toBe(made.apiKey.reveal())
    expect(domain.directory.accountByApiKeyHash(hashApiKey(ada.apiKey))).toBeUndefined()
    const rows = await domain.store.db.selectFrom('audit').selectAll().orderBy('sequence').execute()
    expect(rows.at(-1)).toMatchObject({ action: 'api-key.show-again', outcome: 'succeeded' })
    const stored = await domain.store.db.selectFrom('api_key_rolls').selectAll().execute()
    expect(JSON.stringify([rows, stored, domain.lines])).not.toContain(made.apiKey.reveal())
  })

  it('shows nothing without the password, or with one that has been changed since', async () => {
    const { domain, ada, proof } = await regenerated()
    const ask = (given: { password_hash: string } | undefined) =>
      regenerateApiKey(domain, ada.id, REQUEST, {
        roll: ROLL,
        proof: given === undefined ? undefined : { ...proof, ...given },
      })
    for (const given of [undefined, { password_hash: 'of another password' }]) {
      await expect(ask(given)).rejects.toMatchObject({ code: 'invalid', field: 'password' })
    }
    expect(await copies(domain)).toBe(1)
  })

  it('is over from the moment of the first use, and its copy is destroyed', async () => {
    const { domain, made, again } = await regenerated()
    domain.uses.note(hashApiKey(made.apiKey), '192.0.2.9', 'convox/1')
    // Nothing is written yet: it is refused from memory.
    await expect(again()).rejects.toMatchObject({ code: 'conflict' })
    await domain.uses.write()
    expect(await copies(domain)).toBe(0)
    await expect(again()).rejects.toMatchObject({ code: 'conflict' })
    expect(domain.directory.accountByApiKeyHash(hashApiKey(made.apiKey))).toBeDefined()
  })

  it('is over after a day, and the copy is destroyed though nobody asks', async () => {
    const { domain, ada, proof } = await regenerated()
    const rows = domain.store.db.selectFrom('api_key_rolls').select('created_at')
    let { created_at: now } = await rows.executeTakeFirstOrThrow()
    const later = { ...domain, clock: () => now }
    const ask = () => regenerateApiKey(later, ada.id, REQUEST, { roll: ROLL, proof })
    now += COPY_LIFE_MS - 60_000
    expect((await ask()).again).toBe(true)
    now += 60_000
    await expect(ask()).rejects.toMatchObject({ code: 'conflict' })
    const uses = new LastUses(later)
    await uses.stop()
    expect(await copies(domain)).toBe(0)
  })

  it('is over when another key was made, and another roll id makes one', async () => {
    const { domain, made, again } = await regenerated()
    const second = await again('another-roll')
    expect(second.again).toBe(false)
    expect(second.apiKey.reveal()).not.toBe(made.apiKey.reveal())
    await expect(again()).rejects.toMatchObject({ code: 'conflict' })
    expect(domain.directory.accountByApiKeyHash(hashApiKey(second.apiKey))).toBeDefined()
    expect(await copies(domain)).toBe(1)
  })

  it('makes one key when many ask at once', async () => {
    const { again } = await regenerated()
    const made = await Promise.all(Array.from({ length: 8 }, () => again('at-once-1')))
    expect(new Set(made.map(({ apiKey }) => apiKey.reveal())).size).toBe(1)
    expect(made.filter(({ again: shown }) => !shown)).toHaveLength(1)
  })

  it('can be asked for after a restart', async () => {
    const { domain, ada, proof, made } = await regenerated()
    await domain.close()
    const restarted = await openDomain(domain.config.dataDir)
    const shown = await regenerateApiKey(restarted, ada.id, REQUEST, { roll: ROLL, proof })
    expect(shown.apiKey.reveal()).toBe(made.apiKey.reveal())
  })

  it('does not open a copy that was moved to another account or version', async () => {
    const { domain, again } = await regenerated()
    await domain.store.db.updateTable('api_key_rolls').set({ version: 7 }).execute()
    await expect(again()).rejects.toThrow()
  })

  it.each(['', 'short', 'x'.repeat(65), 'has space', 'ünïcode-id', 'nul\0nul-nul', '../../../x'])(
    'refuses the roll id %j',
    async (roll) => {
      const { domain, ada, made } = await regenerated()
      await expect(regenerateApiKey(domain, ada.id, REQUEST, { roll })).rejects.toMatchObject({
        code: 'invalid',
        field: 'roll',
      })
      expect(domain.directory.accountByApiKeyHash(hashApiKey(made.apiKey))).toBeDefined()
    },
  )
})
