import { describe, expect, it } from 'vitest'
import { createHealth } from './health.ts'

const ok = async () => {}
const broken = async () => {
  throw new Error('password hunter2 refused by db.internal')
}

describe('/livez', () => {
  it('is ok whatever the checks say, and runs none of them', () => {
    let ran = 0
    const health = createHealth({
      database: () => {
        ran += 1
        throw new Error('down')
      },
    })
    expect(health.livez()).toMatchObject({ status: 200, body: '{"status":"ok"}\n' })
    expect(ran).toBe(0)
  })
})

describe('/readyz', () => {
  it('is ok when every check passes, and with no checks', async () => {
    expect(await createHealth({ a: ok, b: () => {} }).readyz()).toMatchObject({ status: 200 })
    expect(await createHealth({}).readyz()).toMatchObject({ status: 200 })
  })

  it('names the failed checks and never says why', async () => {
    const throwing = () => {
      throw new Error('hunter2')
    }
    const answer = await createHealth({ database: broken, keys: ok, migrations: throwing }).readyz()
    expect(answer.status).toBe(503)
    expect(JSON.parse(answer.body)).toEqual({
      status: 'not ready',
      failed: ['database', 'migrations'],
    })
    expect(JSON.stringify(answer)).not.toContain('hunter2')
  })

  it('counts a check that hangs as failed', async () => {
    const health = createHealth({ database: () => new Promise(() => {}), keys: ok }, 10)
    expect(JSON.parse((await health.readyz()).body).failed).toEqual(['database'])
  })

  it('may not be cached', async () => {
    const health = createHealth({ a: broken })
    for (const answer of [health.livez(), await health.readyz()]) {
      expect(answer.headers['cache-control']).toBe('no-store')
    }
  })
})
