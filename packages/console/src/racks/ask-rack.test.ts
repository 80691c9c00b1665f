import { Secret } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { createAddressGuard } from '../proxy/address-guard.ts'
import { askRack, certificateAt } from './ask-rack.ts'
import { OFFICIAL_KEY, startOfficialRack } from './testing/official-rack.ts'

const guard = createAddressGuard([])
const key = Secret.of(OFFICIAL_KEY)

describe('asking a Rack', () => {
  it('takes a bounded time, however slowly it drips', async () => {
    const rack = await startOfficialRack()
    let drip: NodeJS.Timeout | undefined
    rack.handler = (_, response) => {
      response.writeHead(200)
      drip = setInterval(() => response.write(' '), 10)
    }
    const address = { url: `https://${rack.host}`, local: true, pin: rack.fingerprint }
    await expect(askRack(guard, address, key, 300)).rejects.toMatchObject({ code: 'timeout' })
    clearInterval(drip)
  })

  it.each(['localhost', '127.0.0.1'])(
    'CWE-367 looks where %s is once more when it connects, so a name that moved gains nothing',
    async (host) => {
      const rack = await startOfficialRack()
      // As if it had been elsewhere when it was checked.
      const address = { url: `https://${host}:${rack.port}`, local: false, pin: rack.fingerprint }
      const refused = { code: 'rack-refused', message: expect.stringContaining('not allowed') }
      await expect(askRack(guard, address, key)).rejects.toMatchObject(refused)
      await expect(async () => certificateAt(guard, address)).rejects.toMatchObject(refused)
      expect(rack.asked).toEqual([])
    },
  )

  it('sends the key to no other certificate', async () => {
    const rack = await startOfficialRack()
    const address = { url: `https://${rack.host}`, local: true, pin: 'ab'.repeat(32) }
    await expect(askRack(guard, address, key)).rejects.toMatchObject({ code: 'rack-refused' })
    const unpinned = { ...address, pin: '' }
    await expect(askRack(guard, unpinned, key)).rejects.toMatchObject({ code: 'rack-refused' })
    expect(rack.asked).toEqual([])
  })
})
