import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EXIT_MARKER } from '@keyrack/protocol'
import { KeyrollStatus } from '@keyrack/protocol/resources'
import { describe, expect, it } from 'vitest'
import { ask } from '../testing/ask.ts'
import { credential, openRawStream } from '../testing/raw-stream.ts'
import { shareTestRack } from '../testing/start-test-rack.ts'
import { waitUntil } from '../testing/wait-until.ts'

const rack = shareTestRack()
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

function send(line: string, body?: string) {
  const sent = body === undefined ? {} : { body, headers: FORM }
  return ask(rack().port, line, { key: rack().key, ...sent })
}

async function status(): Promise<KeyrollStatus> {
  return KeyrollStatus.parse(JSON.parse((await send('GET /instances/keyroll')).body))
}

async function marks(id: string): Promise<string[]> {
  const file = join(rack().dataDir, 'racks/dev/instances', id, '.ssh/authorized_keys')
  return (await readFile(file, 'utf8')).match(/keyrack:\d+$/gm) ?? []
}

async function shell(id: string, command: string): Promise<string> {
  const headers = { ...credential(rack().key), Command: command }
  const stream = await openRawStream(rack().port, `/instances/${id}/shell`, headers)
  await stream.ended
  return stream.frames.map(({ payload }) => payload.toString()).join('')
}

describe('POST /instances/keyroll', () => {
  it('answers what official clients take for done, and the log of the Rack says so', async () => {
    const [id = '', ...others] = await rack().instanceIds()
    expect(await marks(id)).toEqual(['keyrack:1'])
    const { status: code, body } = await send('POST /instances/keyroll?')
    expect([code, JSON.parse(body)]).toEqual([200, { success: true }])
    for (const one of [id, ...others]) expect(await marks(one)).toEqual(['keyrack:2'])
    expect(await status()).toMatchObject({
      ...{ state: 'done', mode: 'in-place', generation: 2, 'older-generations': [] },
      instances: [id, ...others].map((one) => ({ id: one, state: 'done', problem: '' })),
    })
    expect(JSON.parse((await send('GET /system')).body).status).toBe('running')
  })

  it('fails no shell that is opened meanwhile, and ends none that is open', async () => {
    const [id = ''] = await rack().instanceIds()
    const open = shell(id, 'while [ ! -e stop ]; do sleep 0.1; done; echo to the end')
    let over = false
    const shells = async () => {
      const said: string[] = []
      while (!over) said.push(await shell(id, 'echo reached'))
      return said
    }
    const all = Promise.all([shells(), shells(), shells()])
    for (let roll = 0; roll < 5; roll++) {
      expect((await send('POST /instances/keyroll')).status).toBe(200)
    }
    over = true
    const said = (await all).flat()
    expect(said.length).toBeGreaterThan(3)
    expect(new Set(said)).toEqual(new Set([`reached\n${EXIT_MARKER}0\n`]))
    await shell(id, 'touch stop')
    expect(await open).toBe(`to the end\n${EXIT_MARKER}0\n`)
  })

  it('with replace runs other instances at the end, which have the new key only', async () => {
    const before = await rack().instanceIds()
    expect((await send('POST /instances/keyroll', 'replace=true')).status).toBe(200)
    const { generation, mode, state } = await status()
    expect([mode, state]).toEqual(['replace', 'done'])
    const after = await rack().instanceIds()
    expect(after.filter((id) => before.includes(id))).toEqual([])
    expect(after).toHaveLength(before.length)
    for (const id of after) expect(await marks(id)).toEqual([`keyrack:${generation}`])
  })

  it('visits an instance that is born after it', async () => {
    const [id = ''] = await rack().instanceIds()
    expect((await send(`DELETE /instances/${id}`)).status).toBe(200)
    await waitUntil(async () => {
      const { instances } = await status()
      const ids = instances.filter(({ state }) => state === 'done').map((one) => one.id)
      return ids.length === 3 && !ids.includes(id)
    })
  })

  it.each([
    ['replace=yes', 'replace is true or false'],
    ['replace=true&replace=true', 'a keyroll takes replace, once'],
    ['key=mine', 'a keyroll takes replace, once, and not "key"'],
    [`${'x'.repeat(5000)}=1`, 'a keyroll takes replace'],
    ['%00=1', 'not "?"'],
  ])('refuses %s, and nothing has begun', async (body, text) => {
    const before = await status()
    const refused = await send('POST /instances/keyroll', body)
    expect(refused.status).toBe(422)
    expect(JSON.parse(refused.body).error).toContain(text)
    expect(refused.body.length).toBeLessThan(500)
    expect((await status()).id).toBe(before.id)
  })
})

describe('the host key of an instance', () => {
  it('is shown beside the recorded one, and is not accepted by another fingerprint', async () => {
    const [id = ''] = await rack().instanceIds()
    await shell(id, 'true')
    const { recorded, shown } = JSON.parse((await send(`GET /instances/${id}/host-key`)).body)
    expect(recorded).toBe(shown)
    const other = `SHA256:${'A'.repeat(43)}`
    for (const [fingerprint, code] of [
      ['', 422],
      [`${shown}x`, 422],
      ['SHA256:ü', 422],
      [other, 409],
      [shown, 200],
    ] as const) {
      const body = `fingerprint=${encodeURIComponent(fingerprint)}`
      expect((await send(`POST /instances/${id}/trust`, body)).status).toBe(code)
    }
  })
})

describe('an instance that nobody has', () => {
  it.each([
    'GET /instances/i-000000000000/host-key',
    'POST /instances/i-000000000000/trust?fingerprint=SHA256%3AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    'GET /instances/i-000000000000/authorized-keys',
    'POST /instances/i-000000000000/rekey',
    'GET /instances/..%00/authorized-keys',
  ])('is not found by %s', async (line) => {
    const { status: code } = await send(line)
    expect(line.includes('%00') ? [404, 422] : [404]).toContain(code)
  })
})
