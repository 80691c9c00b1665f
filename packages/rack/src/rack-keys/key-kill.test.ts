import { KeyStatus } from '@keyrack/protocol/key-resources'
import { hashApiKey, mintApiKey, type Secret } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { ask } from '../testing/ask.ts'
import { RackProcess } from '../testing/rack-process.ts'
import { temporaryFolder } from '../testing/temporary-folder.ts'

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

describe('a Rack that is killed', () => {
  it('after each answer of a roll has, when it is back, exactly what it acknowledged', async () => {
    const [k0, k1] = [mintApiKey('rack'), mintApiKey('rack')]
    const env = { DATA_DIR: temporaryFolder(), RACK_KEY_HASH: hashApiKey(k0) }
    let rack = new RackProcess(env)
    let port = Number(new URL((await rack.ready()).url).port)
    const act = async (name: string, key: Secret, fields: Record<string, string>) => {
      const body = new URLSearchParams(fields).toString()
      const said = await ask(port, `POST /system/key/${name}`, { key, body, headers: FORM })
      rack.child.kill('SIGKILL')
      await rack.exited
      rack = new RackProcess(env)
      port = Number(new URL((await rack.ready()).url).port)
      return { status: said.status, ...JSON.parse(said.body) }
    }
    const statusFor = async (key: Secret) => {
      const said = await ask(port, 'GET /system/key', { key })
      return said.status === 200 ? KeyStatus.parse(JSON.parse(said.body)) : said.status
    }
    const roll = 'roll-of-kills'
    const stage = { roll, hash: hashApiKey(k1), copy: 'sealed' }
    const notAfter = Date.now() + 3_600_000
    const retire = { roll, keep: hashApiKey(k1), drop: hashApiKey(k0), not_after: String(notAfter) }

    expect(await act('stage', k0, stage)).toMatchObject({ status: 200, state: 'staged' })
    expect(await statusFor(k0)).toMatchObject({ staged: { roll }, authenticated_by: 'current' })
    expect(await statusFor(k1)).toMatchObject({ authenticated_by: 'staged' })
    expect(await act('retire', k1, retire)).toMatchObject({ status: 200, state: 'ending' })
    expect(await statusFor(k1)).toMatchObject({ generation: 2, authenticated_by: 'current' })
    expect(await statusFor(k0)).toMatchObject({ ending: { roll, not_after: notAfter } })
    const end = await act('retire', k1, { ...retire, not_after: '0' })
    expect(end).toMatchObject({ status: 200, state: 'retired', generation: 2 })
    expect(await statusFor(k0)).toBe(401)
    expect(await statusFor(k1)).toMatchObject({ ending: null, last_roll: { state: 'retired' } })
  })
})
