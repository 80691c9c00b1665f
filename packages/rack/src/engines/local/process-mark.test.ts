import { describe, expect, it } from 'vitest'
import { endMarkedProcesses, markedInstance, markVariables } from './process-mark.ts'

const OWNER = '0123456789abcdef0123456789abcdef'

describe('the mark of an instance', () => {
  const block = (variables: Record<string, string>) =>
    Object.entries(variables)
      .map(([name, value]) => `${name}=${value}\0`)
      .join('')

  it('is found wherever it stands among the variables', () => {
    const mark = markVariables({ owner: OWNER, instance: 'i-1' })
    expect(markedInstance(block({ PATH: '/bin', ...mark, LANG: 'C' }), OWNER)).toBe('i-1')
  })

  it('belongs to one owner only, and counts only as a whole variable', () => {
    const id = 'KEYRACK_INSTANCE=i-1'
    for (const variables of [
      `KEYRACK_OWNER=${OWNER}`,
      id,
      `KEYRACK_OWNER=${OWNER}0\0${id}`,
      `KEYRACK_OWNER=${OWNER.slice(1)}\0${id}`,
      `XKEYRACK_OWNER=${OWNER}\0${id}`,
      `NOTE=KEYRACK_OWNER=${OWNER}\0${id}`,
      `KEYRACK_OWNER=${OWNER} \0${id}`,
      '',
    ]) {
      expect(markedInstance(`${variables}\0`, OWNER), variables).toBeUndefined()
    }
  })

  it('is carried by nobody when there is nothing to end', async () => {
    expect(await endMarkedProcesses({ owner: 'f'.repeat(32) }, 1000)).toBe(0)
  })
})
