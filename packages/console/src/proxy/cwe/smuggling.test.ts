import { fillIn, REQUEST_CASES, readAnswers, sendBytes } from '@keyrack/server/testing'
import { describe, expect, it } from 'vitest'
import { shareRecorded } from '../../http/testing/recorded-console.ts'

const shared = shareRecorded()
const MARKER = 'GET /instances?marker HTTP/1.1\r\nKNOWN\r\nConnection: close\r\n\r\n'
const MARKED = ['GET /instances?marker', '']

describe('what reaches a Rack is nothing or one well-formed request, and the next one is its own', () => {
  it.each(REQUEST_CASES)('CWE-444 $name', async ({ bytes, arrives, last }) => {
    const { rack, port, credentials } = shared()
    rack.reset()
    const sent = last ? bytes : bytes + MARKER
    const text = await sendBytes(port, fillIn(sent, `localhost:${port}`, credentials))

    const method = /^[A-Z]+/.exec(bytes.trimStart())?.[0] ?? ''
    const answers = readAnswers(text, [method, 'GET'])
    const reached = rack.requests.map(({ line, body }) => [line, body])
    const nextIsNext = answers.at(-1)?.body === 'GET /instances?marker\n'
    expect(rack.violations).toEqual([])
    // What was refused in the middle of its body is broken off there as well.
    await expect.poll(() => rack.unfinished(), { timeout: 20_000 }).toEqual([])
    if (arrives !== undefined) {
      // Pipelined ones are on their way together, so either may be there first.
      expect(reached.toSorted()).toEqual((last ? [arrives] : [arrives, MARKED]).toSorted())
      expect(answers.map(({ status }) => status)).toEqual(last ? [200] : [200, 200])
      expect(nextIsNext).toBe(last !== true)
      return
    }
    // Refused: the connection is at its end, or the next request has the next answer.
    expect(reached).toEqual(nextIsNext ? [MARKED] : [])
    const statuses = answers.map(({ status }) => status)
    if (nextIsNext) expect(statuses.pop()).toBe(200)
    // Who asks for a tunnel is hung up on.
    if (statuses.length > 0 || method !== 'CONNECT') expect(statuses).toHaveLength(1)
    for (const status of statuses) expect(status).toBeGreaterThanOrEqual(400)
  })
})
