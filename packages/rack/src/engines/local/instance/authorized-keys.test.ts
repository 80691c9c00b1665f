import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ssh2 from 'ssh2'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { testKeyPair } from '../../conformance-client.ts'
import { authorizedKeysFile, findAuthorizedKey, installAuthorizedKeys } from './authorized-keys.ts'

describe('the authorized keys of an instance', () => {
  let home: string
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'keyrack-keys-'))
  })
  afterEach(() => rm(home, { recursive: true, force: true }))

  const blob = (publicKey: string) => Buffer.from(publicKey.split(' ')[1] ?? '', 'base64')

  it('are written once, and never over what is there', async () => {
    const [one, two] = [testKeyPair(1), testKeyPair(2)]
    await installAuthorizedKeys(home, [one.publicKey, two.publicKey])
    await installAuthorizedKeys(home, [])
    expect(await readFile(authorizedKeysFile(home), 'utf8')).toBe(
      `${one.publicKey}\n${two.publicKey}\n`,
    )
    for (const { publicKey } of [one, two]) {
      const found = await findAuthorizedKey(home, blob(publicKey))
      expect(found?.getPublicSSH().equals(blob(publicKey))).toBe(true)
    }
    expect(await findAuthorizedKey(home, blob(testKeyPair().publicKey))).toBeUndefined()
  })

  it('open nothing when the file is missing, empty or unreadable text', async () => {
    const { publicKey } = testKeyPair()
    expect(await findAuthorizedKey(home, blob(publicKey))).toBeUndefined()
    await installAuthorizedKeys(home, [])
    for (const content of ['', '\n\n', '# nothing\n', 'ssh-ed25519 not-base64\n', '\0\0']) {
      await writeFile(authorizedKeysFile(home), content)
      expect(await findAuthorizedKey(home, blob(publicKey)), content).toBeUndefined()
    }
  })

  it('are those of whole lines: not commented out, and without options that are not enforced', async () => {
    await installAuthorizedKeys(home, [])
    const { publicKey } = testKeyPair()
    for (const line of [`#${publicKey}`, ` # ${publicKey}`, `command="true" ${publicKey}`]) {
      await writeFile(authorizedKeysFile(home), `${line}\n`)
      expect(await findAuthorizedKey(home, blob(publicKey)), line).toBeUndefined()
    }
    await writeFile(authorizedKeysFile(home), `# mine\r\n\n  ${publicKey} and more\r\n`)
    expect(await findAuthorizedKey(home, blob(publicKey))).toBeDefined()
  })

  it('may be of other kinds that SSH knows', async () => {
    const pair = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256, comment: 'keyrack:1' })
    await installAuthorizedKeys(home, [testKeyPair().publicKey, pair.public])
    expect((await findAuthorizedKey(home, blob(pair.public)))?.type).toBe('ecdsa-sha2-nistp256')
  })
})
