import { describe, expect, it } from 'vitest'
import { WorkGate } from './work-gate.ts'

function deferred() {
  let finish: (error?: Error) => void = () => {}
  const done = new Promise<void>((resolve, reject) => {
    finish = (error) => (error === undefined ? resolve() : reject(error))
  })
  return { done, finish }
}

describe('a gate', () => {
  it('never runs more than its number at once, in the order of arrival', async () => {
    const gate = new WorkGate(2, 10)
    const works = Array.from({ length: 5 }, deferred)
    const begun: number[] = []
    const all = works.map(({ done }, index) =>
      gate.run(() => {
        begun.push(index)
        return done
      }),
    )
    expect(begun).toEqual([0, 1])
    works[1]?.finish()
    await all[1]
    expect(begun).toEqual([0, 1, 2])
    for (const { finish } of works) finish()
    await Promise.all(all)
    expect(begun).toEqual([0, 1, 2, 3, 4])
  })

  it('refuses with a time to wait when too many wait already', async () => {
    const gate = new WorkGate(1, 1)
    const work = deferred()
    const running = gate.run(() => work.done)
    const waiting = gate.run(() => Promise.resolve('later'))
    await expect(gate.run(() => Promise.resolve())).rejects.toMatchObject({
      code: 'not-ready',
      retryAfterSeconds: 2,
    })
    work.finish()
    await running
    expect(await waiting).toBe('later')
  })

  it('gives its place on after a failure', async () => {
    const gate = new WorkGate(1, 1)
    const work = deferred()
    const failing = gate.run(() => work.done)
    const waiting = gate.run(() => Promise.resolve('next'))
    work.finish(new Error('broken'))
    await expect(failing).rejects.toThrow('broken')
    expect(await waiting).toBe('next')
    expect(await gate.run(() => Promise.resolve('free again'))).toBe('free again')
  })
})
