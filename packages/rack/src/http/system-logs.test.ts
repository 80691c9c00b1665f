import { describe, expect, it } from 'vitest'
import { ask } from '../testing/ask.ts'
import { BINARY, credential, openRawStream, type RawStream, TEXT } from '../testing/raw-stream.ts'
import { shareTestRack, startTestRack, type TestRack } from '../testing/start-test-rack.ts'
import { temporaryFolder } from '../testing/temporary-folder.ts'
import { waitUntil } from '../testing/wait-until.ts'

const shared = shareTestRack()

function logs(rack: TestRack, options: Record<string, string> = {}): Promise<RawStream> {
  return openRawStream(rack.port, '/system/logs', { ...credential(rack.key), ...options })
}

async function lines(rack: TestRack, options: Record<string, string> = {}): Promise<string[]> {
  const stream = await logs(rack, { Follow: 'false', Since: '1h', ...options })
  await stream.ended
  expect(stream.frames.at(-1)).toEqual({ opcode: BINARY, payload: Buffer.alloc(0) })
  return stream.text.split('\n').slice(0, -1)
}

describe('the log of a Rack as a stream', () => {
  it('tells what the instances did, in lines of time, source and text', async () => {
    const ids = await shared().instanceIds()
    const told = await lines(shared(), { Prefix: 'true' })
    for (const line of told) {
      expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ system\/[a-z]+\/[\w.-]+ \S/)
    }
    for (const id of ids) {
      expect(told.join('\n')).toContain(` system/instance/${id} the instance runs`)
    }
    expect(told.at(-1)).toMatch(/ system\/rack\/dev the Rack started, version \d+$/)
  })

  it('has text frames, and an empty binary frame at its end without an exit marker', async () => {
    const stream = await logs(shared(), { Follow: 'false' })
    await stream.ended
    expect(stream.frames.slice(0, -1).every(({ opcode }) => opcode === TEXT)).toBe(true)
    expect(stream.frames.at(-1)?.opcode).toBe(BINARY)
    expect(stream.text).not.toContain('F1E49A85')
  })

  it('follows until the client leaves: an instance ended, another one in its place', async () => {
    const stream = await logs(shared(), { Since: '0s', Prefix: 'true' })
    const [id] = await shared().instanceIds()
    await ask(shared().port, `DELETE /instances/${id}`, { key: shared().key })
    await stream.until(({ text }) => /the instance runs/.test(text))
    expect(stream.text).toContain(`system/instance/${id} the instance is being terminated`)
    const [, other] = /system\/instance\/(i-\w+) the instance runs/.exec(stream.text) ?? []
    expect(other).not.toBe(id)
    expect(await shared().instanceIds()).toContain(other)
    stream.socket.destroy()
    await waitUntil(() => shared().lines.some((line) => /"route":"system.logs".*499/.test(line)))
  })

  it('tells who opened a shell by request id, and not what ran there', async () => {
    const [id] = await shared().instanceIds()
    const shell = await openRawStream(shared().port, `/instances/${id}/shell`, {
      ...credential(shared().key),
      ...{ 'Request-Id': 'the-request-1', Command: 'echo secret-word; exit 3' },
    })
    await shell.ended
    const told = await lines(shared(), { Prefix: 'true' })
    const about = told.filter((line) => line.includes('system/shell/the-request-1 '))
    expect(about.map((line) => line.split('the-request-1 ')[1])).toEqual([
      `on ${id}: a session begins`,
      `on ${id}: the session ended with status 3`,
    ])
    expect(told.join()).not.toContain('secret-word')
  })

  it('tells a change of the Rack by request id', async () => {
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'request-id': 'the-request-2',
    }
    const asked = { key: shared().key, headers, body: 'count=3' }
    await ask(shared().port, 'PUT /system', asked)
    expect(await lines(shared(), { Filter: 'the-request-2' })).toEqual([
      '3 instances before, 3 wanted now',
    ])
  })

  it.each([
    [{ Since: 'soon' }, /^ERROR: the header Since must be a duration; [^%]+\n$/],
    [{ Filter: 'x'.repeat(2000) }, /^ERROR: the filter is longer than 1024 characters\n$/],
    [{ Authorization: 'Basic eDp5' }, /^ERROR: invalid authentication/],
  ])('with %j says why not inside the stream, then ends', async (options, why) => {
    const stream = await logs(shared(), options)
    await stream.ended
    expect(stream.text).toMatch(why)
    expect(stream.frames.at(-1)?.opcode).toBe(BINARY)
  })

  it('ends with a reason when the Rack stops, and tells the rest after the restart', async () => {
    const dataDir = temporaryFolder()
    const first = await startTestRack({ dataDir })
    const stream = await logs(first, { Since: '0s' })
    await first.stop()
    await stream.ended
    expect(stream.text).toMatch(/ERROR: the Rack is stopping; [^\n]+\n$/)
    const second = await startTestRack({ dataDir, key: first.key })
    const told = (await lines(second, { Filter: '"the Rack"' })).map((line) => line.split(',')[0])
    expect(told).toEqual(['the Rack started', 'the Rack is stopping', 'the Rack started'])
  })
})
