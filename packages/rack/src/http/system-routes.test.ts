import { System } from '@keyrack/protocol/resources'
import { hashApiKey, mintApiKey } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { RACK_VERSION } from '../system/rack-version.ts'
import { ask } from '../testing/ask.ts'
import { RackProcess } from '../testing/rack-process.ts'
import { shareTestRack, startTestRack, type TestRack } from '../testing/start-test-rack.ts'
import { temporaryFolder } from '../testing/temporary-folder.ts'
import { waitUntil } from '../testing/wait-until.ts'

const FORM = 'application/x-www-form-urlencoded'
const shared = shareTestRack()

function send(rack: TestRack, line: string, body: string, type = FORM) {
  return ask(rack.port, line, { key: rack.key, body, headers: { 'content-type': type } })
}

async function get(rack: TestRack, path: string) {
  const { status, body } = await ask(rack.port, `GET ${path}`, { key: rack.key })
  return { status, json: JSON.parse(body) }
}

async function untilRunning(rack: TestRack, count: number): Promise<void> {
  await waitUntil(async () => {
    const { json } = await get(rack, '/system')
    return json.status === 'running' && json.count === count
  })
}

describe('GET /system/metrics', () => {
  it('is measured on the instances, in the shape that official clients read', async () => {
    await waitUntil(async () => {
      const { status, json } = await get(shared(), '/system/metrics?period=60')
      if (status !== 200 || json[1].values.length === 0) return false
      const [{ avg, count, max, min, time }] = json[1].values
      expect(json.map(({ name }: { name: string }) => name)).toEqual([
        'cluster:cpu:utilization',
        'cluster:mem:utilization',
      ])
      expect(count).toBe(3)
      // Three processes that are there need memory, and less than all of it.
      for (const value of [avg, max, min]) expect(value > 0 && value < 100).toBe(true)
      expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:00\.000Z$/)
      return true
    })
    const bad = await get(shared(), '/system/metrics?period=soon')
    expect([bad.status, bad.json.field]).toEqual([422, 'period'])
  })
})

describe('PUT /system', () => {
  it('changes how many instances run, up and down, and answers with the System', async () => {
    const rack = shared()
    const before = await rack.instanceIds()
    const more = await send(rack, 'PUT /system?', 'count=4')
    expect(more.status).toBe(200)
    expect(System.parse(JSON.parse(more.body))).toMatchObject({ name: 'dev', count: 4 })
    expect(['updating', 'converging']).toContain(JSON.parse(more.body).status)
    await untilRunning(rack, 4)
    expect(await rack.instanceIds()).toEqual(expect.arrayContaining(before))
    const fewer = await send(rack, 'PUT /system', 'parameters=InstanceCount%3D3')
    expect(JSON.parse(fewer.body).parameters).toEqual({ InstanceCount: '3', Password: '****' })
    await untilRunning(rack, 3)
    await waitUntil(async () => (await rack.instanceIds()).length === 3)
    expect(await rack.instanceIds()).toEqual(before)
  })

  it('without any field, or with the values that are there, changes nothing', async () => {
    const { status, body } = await ask(shared().port, 'PUT /system', { key: shared().key })
    expect([status, JSON.parse(body).count]).toEqual([200, 3])
    const same = await send(shared(), 'PUT /system', `count=-1&type=&version=${RACK_VERSION}`)
    expect([same.status, JSON.parse(same.body).status]).toEqual([200, 'running'])
  })

  it('reads fields of the query too, as Go servers do, and refuses both at once', async () => {
    const { port, key } = shared()
    const query = await ask(port, 'PUT /system?parameters=HttpProxy%3Dx', { key })
    expect([query.status, JSON.parse(query.body).field]).toEqual([422, 'HttpProxy'])
    const both = await send(shared(), 'PUT /system?count=4', 'count=5')
    expect([both.status, JSON.parse(both.body).error]).toEqual([422, '"count" is given twice'])
  })

  it.each([
    ['count=0', 422, 'count'],
    ['count=100', 422, 'count'],
    ['parameters=HttpProxy%3Dx', 422, 'HttpProxy'],
    ['parameters=Password%3Dnewpw', 422, 'Password'],
    ['parameters=InstanceCount%3D%2A%2A%2A%2A', 422, 'InstanceCount'],
    ['%00=1', 422, '\u0000'],
  ])('refuses %s with a status, the field, and no percent sign', async (form, status, field) => {
    const said = await send(shared(), 'PUT /system', form)
    expect(said.status).toBe(status)
    expect(JSON.parse(said.body).field).toBe(field)
    expect(JSON.parse(said.body).error).not.toContain('%')
    expect((await get(shared(), '/system')).json.count).toBe(3)
  })

  it('refuses a body that is no form, and one that is too large', async () => {
    const json = await send(shared(), 'PUT /system', '{"count":4}', 'application/json')
    expect([json.status, JSON.parse(json.body).code]).toEqual([415, 'unsupported-type'])
    const huge = await send(shared(), 'PUT /system', `count=${'4'.repeat(1024 * 1024)}`)
    expect([huge.status, JSON.parse(huge.body).code]).toEqual([413, 'too-large'])
  })

  it('is there after a restart, also when many were asked for at once', async () => {
    const dataDir = temporaryFolder()
    const first = await startTestRack({ dataDir })
    const counts = [5, 1, 4, 2]
    const answers = await Promise.all(
      counts.map((count) => send(first, 'PUT /system', `count=${count}`)),
    )
    for (const { status } of answers) expect(status).toBe(200)
    const { json } = await get(first, '/system')
    await untilRunning(first, json.count)
    await first.stop()
    const second = await startTestRack({ dataDir, key: first.key })
    expect((await get(second, '/system')).json.count).toBe(json.count)
    expect(await second.instanceIds()).toHaveLength(json.count)
  })
})

describe('a Rack that is killed', () => {
  it('while it changes its size has, when it is back, the size that it acknowledged', async () => {
    const key = mintApiKey('rack')
    const env = { DATA_DIR: temporaryFolder(), RACK_KEY_HASH: hashApiKey(key) }
    const before = new RackProcess(env)
    const { url } = await before.ready()
    const headers = { 'content-type': FORM }
    const asked = { key, headers, body: 'count=5' }
    const answer = await ask(Number(new URL(url).port), 'PUT /system', asked)
    before.child.kill('SIGKILL')
    expect(answer.status).toBe(200)
    await before.exited
    const after = await new RackProcess(env).ready()
    const port = Number(new URL(after.url).port)
    expect(JSON.parse((await ask(port, 'GET /system', { key })).body)).toMatchObject({ count: 5 })
    const instances = JSON.parse((await ask(port, 'GET /instances', { key })).body)
    expect(instances.map(({ status }: { status: string }) => status)).toEqual(
      Array.from({ length: 5 }, () => 'running'),
    )
  })
})

describe('the parameters of the app that has the name of the Rack', () => {
  it('are those of the Rack, for clients of 2016 and 2017', async () => {
    const { status, json } = await get(shared(), '/apps/dev/parameters')
    expect([status, json]).toEqual([200, { InstanceCount: '3', Password: '****' }])
    const set = await send(shared(), 'POST /apps/dev/parameters', 'InstanceCount=3')
    expect([set.status, JSON.parse(set.body)]).toEqual([200, { success: true }])
    await untilRunning(shared(), 3)
  })

  it('are refused as in PUT /system', async () => {
    for (const [form, status] of [
      ['Password=newpw', 422],
      ['InstanceCount=****', 422],
      ['InstanceCount=0', 422],
      ['HttpProxy=x', 422],
      ['count=4', 422],
    ] as const) {
      const said = await send(shared(), 'POST /apps/dev/parameters', form)
      expect([form, said.status]).toEqual([form, status])
    }
  })

  it('are not those of another app', async () => {
    const said = await get(shared(), '/apps/web/parameters')
    expect([said.status, said.json.error]).toEqual([404, 'no such app: web'])
    const set = await send(shared(), 'POST /apps/Dev/parameters', 'InstanceCount=5')
    expect([set.status, JSON.parse(set.body).error]).toEqual([404, 'no such app: Dev'])
  })
})

describe('what runs the Rack', () => {
  it.each(['/system/processes', '/system/processes?all=', '/system/processes?all=true'])(
    'is listed by %s with the official names',
    async (path) => {
      const { status, json } = await get(shared(), path)
      expect(status).toBe(200)
      expect(json).toHaveLength(1)
      expect(Object.keys(json[0])).toEqual([
        ...['app', 'command', 'cpu', 'host', 'id', 'image', 'instance', 'memory', 'name', 'ports'],
        ...['release', 'started', 'status'],
      ])
      expect(json[0]).toMatchObject({
        ...{ app: 'dev', name: 'web', status: 'running', release: RACK_VERSION, ports: [] },
        started: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      })
      expect(json[0].memory).toBeGreaterThan(0)
      expect(json[0].memory).toBeLessThan(1)
    },
  )

  it('has the release that was started, once', async () => {
    const { status, json } = await get(shared(), '/system/releases')
    expect([status, json.map(({ id }: { id: string }) => id)]).toEqual([200, [RACK_VERSION]])
  })

  it('has a capacity in whole numbers', async () => {
    const { status, json } = await get(shared(), '/system/capacity')
    expect(status).toBe(200)
    expect(Object.keys(json)).toEqual([
      ...['cluster-cpu', 'cluster-memory', 'instance-cpu', 'instance-memory'],
      ...['process-count', 'process-cpu', 'process-memory', 'process-width'],
    ])
    for (const value of Object.values(json)) expect(Number.isSafeInteger(value)).toBe(true)
    expect(json['cluster-cpu']).toBeGreaterThanOrEqual(1024)
    expect(json['cluster-memory']).toBeGreaterThan(100)
  })
})
