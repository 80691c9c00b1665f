import {
  fillIn,
  type RecordingRack,
  REQUEST_CASES,
  readAnswers,
  sendBytes,
  startRecordingRack,
} from '@keyrack/server/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ProxiedRack, startProxiedRack } from '../testing/proxied-rack.ts'

let proxied: ProxiedRack
let rack: RecordingRack

beforeAll(async () => {
  proxied = await startProxiedRack()
  rack = await startRecordingRack(proxied.certificate)
  proxied.believe({ url: `https://127.0.0.1:${rack.port}` })
})

afterAll(async () => {
  await proxied.close()
  await rack.close()
})

const MARKER = 'GET /instances?marker HTTP/1.1\r\nKNOWN\r\nConnection: close\r\n\r\n'

describe('what reaches a Rack is nothing or one well-formed request, and the next one is its own', () => {
  it.each(REQUEST_CASES)('CWE-444 $name', async ({ bytes, arrives, last }) => {
    rack.reset()
    const credentials = `Authorization: ${proxied.authorization}\r\nRack: acme/dev`
    const sent = fillIn(bytes + MARKER, 'localhost', credentials)
    const text = await sendBytes(proxied.port, sent)

    const method = /^[A-Z]+/.exec(bytes.trimStart())?.[0] ?? ''
    const answers = readAnswers(text, [method, 'GET'])
    const reached = rack.requests.map(({ line, body }) => [line, body])
    const marked = ['GET /instances?marker', '']
    const markerIsLast = answers.at(-1)?.body === 'GET /instances?marker\n'
    expect(rack.violations).toEqual([])
    expect(rack.reset(), 'half a request').toEqual([])
    if (arrives !== undefined) {
      expect(reached).toEqual(last ? [arrives] : [arrives, marked])
      expect(answers.map(({ status }) => status)).toEqual(last ? [200] : [200, 200])
      expect(markerIsLast).toBe(last !== true)
    } else {
      // Refused: the connection is at its end, or the next request has the next answer.
      expect(reached).toEqual(markerIsLast ? [marked] : [])
      const statuses = answers.slice(0, markerIsLast ? -1 : undefined).map(({ status }) => status)
      // Who asks for a tunnel is hung up on.
      if (statuses.length > 0 || method !== 'CONNECT') expect(statuses).toEqual([expect.any(Number)])
      for (const status of statuses) expect(status).toBeGreaterThanOrEqual(400)
    }
  })
})
