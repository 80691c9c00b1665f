import { join } from 'node:path'
import fc from 'fast-check'
import { expect, inject, it, onTestFinished } from 'vitest'
import { databaseSettings, testFolder } from '../testing/console-domain.ts'
import { twoConsoles } from '../testing/two-consoles.ts'
import { prepareRolledData } from './testing/prepare-rolled-data.ts'
import { type ConsolePlace, RolledSystem } from './testing/rolled-system.ts'
import { runRack } from './testing/running-rack.ts'

const HOUR = 3_600_000
const at = fc.nat(1)
const points = fc.nat(12)

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      ...{ do: fc.constant('roll' as const), at },
      grace: fc.constantFrom(0, 0, HOUR),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), at }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('finish' as const), at }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('hold' as const), at }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('answer' as const) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('pass' as const), at, points }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('crash' as const), at, points }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('jump' as const),
      ms: fc.integer({ min: -2 * HOUR, max: 2 * HOUR }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kill Rack' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('back up Rack' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restore Rack' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('back up Console' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restore Console' as const) }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

async function take(system: RolledSystem, given: Step): Promise<void> {
  switch (given.do) {
    case 'roll':
      return system.roll(given.at, given.grace)
    case 'cancel':
      return system.cancel(given.at)
    case 'finish':
      return system.finish(given.at)
    case 'hold':
      return system.hold(given.at)
    case 'answer':
      return system.answerAll()
    case 'pass':
      return system.pass(given.at, given.points)
    case 'crash':
      return system.crash(given.at, given.points)
    case 'jump':
      return system.jump(given.ms)
    case 'kill Rack':
      return system.killRack()
    case 'back up Rack':
      return system.backUpRack()
    case 'restore Rack':
      return system.restoreRack()
    case 'back up Console':
      return system.backUpConsole()
    case 'restore Console':
      return system.restoreConsole()
  }
}

/** On PostgreSQL two Consoles, each with its own view of the one database. */
async function consolePlaces(folder: string): Promise<ConsolePlace[]> {
  if (inject('database') === 'SQLite') {
    const data = join(folder, 'data')
    return [{ folder: data, env: await databaseSettings(data) }]
  }
  const { env, folders } = await twoConsoles()
  return folders.map((data) => ({ folder: data, env }))
}

/** More of them, or others: `ROLL_MODEL_RUNS=50 ROLL_MODEL_SEED=7 npx vitest run …`. */
const RUNS = Number(process.env.ROLL_MODEL_RUNS ?? 6)
const SEED = Number(process.env.ROLL_MODEL_SEED ?? 1)

it('whatever happens in whatever order: the Console gets in, no ended key does, no request fails', async () => {
  const folder = testFolder()
  const places = await consolePlaces(folder)
  const rack = await runRack(join(folder, 'rack'))
  onTestFinished(() => rack.kill('SIGTERM'))
  const [first] = places
  if (first === undefined) throw new TypeError('there is no Console')
  await prepareRolledData(first.folder, rack, first.env)
  const system = new RolledSystem(rack, places, folder)
  await system.open()
  onTestFinished(() => system.close())

  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 16 }), async (steps) => {
      for (const one of steps) await take(system, one)
      await system.rest()
    }),
    // One system goes through all of it, so a shorter history would be another one.
    { numRuns: RUNS, seed: SEED, endOnFailure: true },
  )
  expect(system.done.roll).toBeGreaterThan(RUNS)
  expect(system.done.crash).toBeGreaterThan(0)
  expect(system.done.answered).toBeGreaterThan(0)
}, 600_000)
