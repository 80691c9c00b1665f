import { describe, expect, it, onTestFinished } from 'vitest'
import { type ChildProgram, startProgram } from './testing/child-program.ts'

async function started(...args: string[]): Promise<ChildProgram> {
  const child = startProgram('stop-program', args)
  onTestFinished(() => void child.process.kill('SIGKILL'))
  await child.printed('ready')
  return child
}

/** What the program said, without its log lines. */
const said = (child: ChildProgram) =>
  child
    .output()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('{'))

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  it('runs the steps in order, each to its end, and exits with 0', async () => {
    const child = await started('well')
    child.process.kill(signal)
    expect(await child.ended).toEqual({ code: 0, signal: null })
    expect(said(child)).toEqual(['ready', 'first begins', 'first ends', 'second runs'])
  })

  it('a second time exits with 1 at once', async () => {
    const child = await started('hang')
    child.process.kill(signal)
    await child.printed('first begins')
    child.process.kill(signal)
    expect(await child.ended).toEqual({ code: 1, signal: null })
    expect(said(child)).toEqual(['ready', 'first begins'])
    expect(child.output()).toContain('second signal')
  })
})

describe('a graceful stop', () => {
  it('goes on after a step that fails, and exits with 1', async () => {
    const child = await started('fail')
    child.process.kill('SIGTERM')
    expect(await child.ended).toEqual({ code: 1, signal: null })
    expect(said(child)).toEqual(['ready', 'first begins', 'second runs'])
    expect(child.output()).toContain('the first step cannot')
  })

  it('exits with 1 when its deadline passes, and says which step it was in', async () => {
    const child = await started('hang', '50')
    child.process.kill('SIGTERM')
    expect(await child.ended).toEqual({ code: 1, signal: null })
    expect(child.output()).toMatch(/"step":"first".*stopping took too long/)
  })

  it('can begin without a signal', async () => {
    const child = startProgram('stop-program', ['by itself'])
    onTestFinished(() => void child.process.kill('SIGKILL'))
    expect(await child.ended).toEqual({ code: 0, signal: null })
    expect(child.output()).toContain('"reason":"parent went away"')
    expect(said(child)).toContain('second runs')
  })

  it('leaves signals alone once it is disposed', async () => {
    const child = await started('disposed')
    child.process.kill('SIGTERM')
    expect(await child.ended).toEqual({ code: null, signal: 'SIGTERM' })
  })
})
