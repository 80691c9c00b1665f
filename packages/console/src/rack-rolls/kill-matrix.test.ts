import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { prepareRolledData } from './testing/prepare-rolled-data.ts'
import type { RollChildReport, RollChildTask } from './testing/roll-child.ts'
import { type RunningRack, runRack } from './testing/running-rack.ts'

const PROGRAM = fileURLToPath(
  new URL('../../dist/rack-rolls/testing/roll-child.js', import.meta.url),
)
const PUBLISHED = fileURLToPath(new URL('../../../../docs/kill-matrix.md', import.meta.url))

type Action = Exclude<RollChildTask['action'], 'nothing'>

const WHAT: Readonly<Record<Action, string>> = {
  roll: 'A roll without a grace',
  grace: 'A roll with a grace that is finished early',
  cancel: 'A roll that is cancelled once it is staged',
}

let folder = ''
let rack: RunningRack

beforeAll(async () => {
  if (!existsSync(PROGRAM)) throw new Error('the program is not built; run: npx tsc -b')
  folder = mkdtempSync(join(tmpdir(), 'keyrack-kill-'))
  rack = await runRack(join(folder, 'rack'))
  await prepareRolledData(join(folder, 'data'), rack)
})

afterAll(async () => {
  await rack.kill('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
})

/** The reports of one process: of what it found, and of what it did, unless it was killed there. */
async function run(task: Omit<RollChildTask, 'dataDir' | 'env'>) {
  const whole: RollChildTask = { dataDir: join(folder, 'data'), env: {}, ...task }
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(whole)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH },
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const signal = await new Promise<NodeJS.Signals | null>((resolve) => {
    child.once('close', (_code, ended) => resolve(ended))
  })
  const [found, done] = output
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as RollChildReport)
  if (found === undefined) throw new Error('the child said nothing')
  return { signal, found, done }
}

/** What has to be so when a roll has ended, whatever happened on the way. */
function expectSound({ ended, states, chainIsWhole }: RollChildReport): void {
  expect(ended).toEqual({ ...ended, working: 1, oldRefused: true, staged: false, open: 0 })
  expect(chainIsWhole).toBe(true)
  // Every state once and in order, as if nothing had happened.
  expect(states).toEqual([...new Set(states)])
}

describe('a Console that is killed while it rolls a key', () => {
  const lines: string[] = []
  const tried = new Set<string>()

  it.each(Object.keys(WHAT) as Action[])(
    'finds its way from every point: %s',
    async (action) => {
      const { done: undisturbed } = await run({ action })
      if (undisturbed === undefined) throw new Error('an undisturbed roll did not end')
      expectSound(undisturbed)
      const points = [...new Set(undisturbed.points)].filter((point) => !tried.has(point))
      lines.push('', `## ${WHAT[action]}`, '')
      lines.push('| killed | state found at the next start | ended as |', '|---|---|---|')
      for (const [index, point] of points.entries()) {
        // Each process goes on with what the one before has left, and is killed one point later.
        if (index === 0) expect((await run({ action, point })).signal).toBe('SIGKILL')
        const next = points[index + 1]
        const after = await run(
          next === undefined ? { action: 'nothing' } : { action, point: next },
        )
        expect([next, after.signal]).toEqual([next, next === undefined ? null : 'SIGKILL'])
        expect(after.found.found.working, point).toBeGreaterThan(0)
        expectSound(after.found)
        // Before its first row was written there is no roll to go on with.
        const begun = point !== 'before write staging'
        const { found, ended } = after.found
        const words = begun ? [found.state, ended.state] : ['none', 'nothing began']
        lines.push(`| ${[point, ...words].join(' | ')} |`)
        tried.add(point)
      }
    },
    240_000,
  )

  it('is published as it is found here', async () => {
    const head = [
      '# A Console killed while it rolls the key of a Rack',
      '',
      'Made by `packages/console/src/rack-rolls/kill-matrix.test.ts`, which does each line: a real Console process',
      'kills itself with `kill -9` at that point, is started again, and then a key that the Console knows is accepted by the',
      'real Rack, every earlier key is refused, nothing is staged or open, and the audit log has each state once, in order,',
      'in a chain that is whole. Points before and after each write and each network call; none is left out, because the',
      'list is what an undisturbed roll passes. A point that an earlier table has is not repeated.',
    ]
    await expect(`${[...head, ...lines].join('\n')}\n`).toMatchFileSnapshot(PUBLISHED)
  })
})
