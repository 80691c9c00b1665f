import { describe, expect, it } from 'vitest'
import { type RolledConsole, rolledConsole, shareRunningRack } from './testing/rolled-console.ts'

const rack = shareRunningRack()

function stateWords(notes: readonly string[]): string[] {
  return notes.map((note) => note.split(' ', 1)[0] ?? '')
}

async function addressed(served: RolledConsole): Promise<number> {
  const answer = await served.ask('/system', {
    key: served.key,
    headers: { rack: 'acme/live' },
  })
  return answer.status
}

describe('a roll of a Rack key', () => {
  it('ends with a new key that works and an old one that is refused, each state on record', async () => {
    const served = await rolledConsole(rack())
    const before = served.held()
    const asked = await served.ask(`${served.path}/roll`, { key: served.key, body: {} })
    expect(asked.status).toBe(202)
    const done = await served.until('done')
    expect(done).toMatchObject({ rack: 'acme/live', error: null, grace_until: null })
    const after = served.held()
    expect(after.reveal()).not.toBe(before.reveal())
    expect(await served.takes(after)).toBe(true)
    expect(await served.takes(before)).toBe(false)
    expect(await addressed(served)).toBe(200)
    expect(stateWords(await served.notes())).toEqual([
      ...['staging', 'staged', 'verifying', 'verified', 'committing', 'committed'],
      ...['draining', 'retiring', 'retired', 'proving', 'done'],
    ])
    for (const secret of [before, after]) {
      expect(served.domain.lines.join('')).not.toContain(secret.reveal())
      expect(JSON.stringify(done)).not.toContain(secret.reveal())
    }
  })
})
