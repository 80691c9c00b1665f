import { describe, expect, it } from 'vitest'
import { openTestStore } from '../testing/open-test-store.ts'
import { listReleases, recordRelease } from './rack-releases.ts'

describe('the releases of a Rack', () => {
  it('are the versions that ran here, newest first, each start of the same one not counted', async () => {
    const store = await openTestStore()
    for (const [at, version] of ['v1', 'v1', 'v2', 'v2', 'v1'].entries()) {
      await recordRelease(store, version, () => at * 1000)
    }
    const listed = await listReleases(store, 'dev')
    expect(listed.map(({ id, created }) => [id, created])).toEqual([
      ['v1', '1970-01-01T00:00:04.000Z'],
      ['v2', '1970-01-01T00:00:02.000Z'],
      ['v1', '1970-01-01T00:00:00.000Z'],
    ])
    expect(listed[0]).toEqual({
      app: 'dev',
      build: '',
      created: '1970-01-01T00:00:04.000Z',
      description: '',
      env: '',
      id: 'v1',
      manifest: '',
    })
  })

  it('are the 20 newest when there are more', async () => {
    const store = await openTestStore()
    for (let number = 1; number <= 23; number++) await recordRelease(store, `v${number}`)
    const listed = await listReleases(store, 'dev')
    expect(listed.map(({ id }) => id)).toEqual(
      Array.from({ length: 20 }, (_, index) => `v${23 - index}`),
    )
  })

  it('are recorded once by two starts at the same moment', async () => {
    const store = await openTestStore()
    await Promise.all([recordRelease(store, 'v1'), recordRelease(store, 'v1')])
    expect(await listReleases(store, 'dev')).toHaveLength(1)
  })
})
