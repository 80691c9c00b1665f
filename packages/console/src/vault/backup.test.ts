import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashApiKey, Secret } from '@keyrack/secrets'
import { HAS_POSTGRES } from '@keyrack/server/testing'
import { describe, expect, inject, it } from 'vitest'
import { signIn } from '../accounts/sign-in.ts'
import { regenerateApiKey } from '../api-keys/regenerate-api-key.ts'
import { createKey } from '../create-key.ts'
import { createDeployKey } from '../deploy-keys/create-deploy-key.ts'
import { openRackKey } from '../racks/open-rack-key.ts'
import {
  entry,
  founder,
  openDomain,
  PASSWORD,
  REQUEST,
  testFolder,
} from '../testing/console-domain.ts'
import { backUp } from './back-up.ts'
import { checkBackup } from './backup-file.ts'
import { pauseOf } from './pause.ts'
import { elsewhere, openAs, restoreTo } from './testing/restore-elsewhere.ts'
import { addSealedRacks } from './testing/sealed-racks.ts'
import { verifyStored } from './verify-stored.ts'

/** A Console with a bit of everything, and a backup that was made while it ran. */
async function backedUp() {
  const domain = await openDomain()
  const ada = await founder(domain)
  const input = { email: 'ada@example.com', password: Secret.of(PASSWORD) }
  await signIn(domain, input, REQUEST)
  const ci = await createDeployKey(
    domain,
    entry(domain, ada.id),
    { organization: 'acme', name: 'ci', expiresInDays: 30 },
    REQUEST,
  )
  const racks = await addSealedRacks(domain, ada.organization.id, 3)
  const file = join(testFolder(), 'backup')
  const report = await backUp(domain.config, file)
  return { domain, ada, ci, racks, file, report }
}

describe('a backup', () => {
  it('is one private file that holds no key and no master key', async () => {
    const { domain, ada, ci, racks, file, report } = await backedUp()
    const text = readFileSync(file, 'utf8')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(report).toMatchObject({ bytes: text.length })
    expect(report.rows).toBe(text.trim().split('\n').length - 2)
    const master = readFileSync(
      join(domain.config.keyDir, `${domain.keyring.current.id}.key`),
      'utf8',
    )
    const secrets = [ada.apiKey, ci.key, ...racks.values()].map((key) => key.reveal())
    for (const secret of [...secrets, PASSWORD, master.trim().split('.')[3] ?? '?']) {
      expect(text).not.toContain(secret)
    }
  })

  it('is restored into an empty database of the other kind too, where every key works and everybody is signed out', async () => {
    const { domain, ada, ci, racks, file } = await backedUp()
    await domain.close()
    const { keyDir } = domain.config
    const targets = [await elsewhere(keyDir)]
    if (HAS_POSTGRES && inject('database') === 'SQLite') {
      targets.push(await elsewhere(keyDir, 'PostgreSQL'))
    }
    for (const config of targets) {
      const report = await restoreTo(config, file)
      expect(report.refused).toEqual([])
      const restored = await openAs(config)
      expect(restored.directory.accountByApiKeyHash(hashApiKey(ada.apiKey))?.id).toBe(ada.id)
      expect(restored.directory.deployKeyByHash(hashApiKey(ci.key))?.name).toBe('ci')
      const opened = restored.directory.racksOf(entry(restored, ada.id))
      expect(opened.map((rack) => openRackKey(restored.keyring, rack).reveal())).toEqual(
        [...racks.values()].map((key) => key.reveal()),
      )
      expect(await restored.store.db.selectFrom('sessions').selectAll().execute()).toEqual([])
      expect(await pauseOf(restored.store.db)).toContain('restored from a backup')
      expect((await verifyStored(restored, config.anchorFile)).problems).toEqual([])
      const erased = restored.store.transaction((tx) => tx.deleteFrom('audit').execute())
      await expect(erased).rejects.toThrow('audit rows are never changed')
      // And back again, from that database.
      const second = join(testFolder(), 'second')
      await backUp(config, second)
      expect((await checkBackup(second)).schema).toBe((await checkBackup(file)).schema)
      await restored.close()
    }
  })

  it('of before a write, restored in place, believes nothing that was written since', async () => {
    const { domain, ada, file } = await backedUp()
    const { config } = domain
    const later = await regenerateApiKey(domain, ada.id, REQUEST)
    await domain.close()
    await expect(restoreTo(config, file)).rejects.toThrow('is not empty')
    await restoreTo(config, file, true)
    const restored = await openAs(config)
    const known = (key: Secret) => restored.directory.accountByApiKeyHash(hashApiKey(key))?.id
    expect([known(ada.apiKey), known(later.apiKey)]).toEqual([ada.id, undefined])
  })

  it('that was cut, changed or is something else is refused, and nothing is made', async () => {
    const { domain, file } = await backedUp()
    const good = readFileSync(file, 'utf8')
    const lines = good.split('\n')
    const config = await elsewhere(domain.config.keyDir)
    for (const text of [
      good.slice(0, -40),
      lines.slice(0, -2).join('\n'),
      good.replace('ada@example.com', 'eve@example.com'),
      lines.toSpliced(2, 1).join('\n'),
      `${good}[0,"x"]\n`,
      '',
      '{"hello": "world"}\n',
      '\0\u0001\u0002SQLite format 3',
      good.replace(/"schema":\d+/, '"schema":9999'),
      good.replace('"racks"', '"rocks"'),
    ]) {
      const bad = join(testFolder(), 'bad')
      writeFileSync(bad, text)
      const code = expect.stringMatching(/^(invalid|conflict)$/)
      await expect(restoreTo(config, bad)).rejects.toMatchObject({ code })
      expect(existsSync(join(config.dataDir, 'console'))).toBe(false)
    }
  })

  it('needs its master key, which it names, before anything is made', async () => {
    const { domain, file } = await backedUp()
    const keyDir = join(testFolder(), 'keys')
    createKey(keyDir)
    const config = await elsewhere(keyDir)
    await expect(restoreTo(config, file)).rejects.toThrow(domain.keyring.current.id)
    expect(existsSync(join(config.dataDir, 'console'))).toBe(false)
  })

  it('that cannot be written leaves no part of it', async () => {
    const { domain } = await backedUp()
    const folder = testFolder()
    await expect(backUp(domain.config, join(folder, 'none', 'backup'))).rejects.toMatchObject({
      code: 'not-ready',
    })
    expect(readdirSync(folder)).toEqual([])
  })
})
