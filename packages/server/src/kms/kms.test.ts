import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorText, KeyrackError } from '@keyrack/protocol'
import { createMasterKey, formatWrappedMasterKey, parseWrappedMasterKey } from '@keyrack/secrets'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  loadKeyring,
  readMasterKeys,
  writeMasterKey,
  writeWrappedMasterKey,
} from '../key-folder.ts'
import { privateFolder } from '../private-folder.ts'
import { type KmsServer, startKms } from '../testing/kms-server.ts'
import { temporaryFolder } from '../testing/temporary-folder.ts'

let temporary: ReturnType<typeof temporaryFolder>
let folder: string
let kms: KmsServer

beforeEach(async () => {
  temporary = temporaryFolder()
  folder = join(temporary.path, 'keys')
  privateFolder(folder)
  kms = await startKms()
  for (const [name, value] of Object.entries(kms.env)) vi.stubEnv(name, value)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await kms.stop()
  temporary.remove()
})

const load = () => loadKeyring({ folder, createIfMissing: false })
const fileOf = (id: string) => join(folder, `${id}.key`)

async function refusal(of: () => Promise<unknown>): Promise<string> {
  const error = await of().catch((failure: unknown) => failure)
  expect(error).toBeInstanceOf(KeyrackError)
  return errorText(error as KeyrackError)
}

describe('a master key that AWS KMS wraps', () => {
  it('is opened by it at the start, and is in the folder only as KMS left it', async () => {
    const key = createMasterKey()
    await writeWrappedMasterKey(folder, key, kms.keyArn)
    const text = readFileSync(fileOf(key.id), 'utf8')
    for (const form of ['hex', 'base64', 'base64url'] as const) {
      expect(text).not.toContain(Buffer.from(key.key).toString(form))
    }
    expect(statSync(fileOf(key.id)).mode & 0o777).toBe(0o600)
    const { current } = await load()
    expect(current.key).toEqual(key.key)
    expect(current).toMatchObject({ id: key.id, createdAt: key.createdAt, wrappedBy: kms.keyArn })
  })

  it('given by an alias, is bound to the key that the alias meant then', async () => {
    const alias = kms.keyArn.replace(/key\/.*/, 'alias/keyrack')
    const { id } = await writeWrappedMasterKey(folder, createMasterKey(), alias)
    expect(parseWrappedMasterKey(readFileSync(fileOf(id), 'utf8')).wrappedBy).toBe(kms.keyArn)
  })

  it('is opened once: KMS is not asked for a key that is known', async () => {
    await writeWrappedMasterKey(folder, createMasterKey(), kms.keyArn)
    const keyring = await load()
    const before = kms.asked.length
    writeMasterKey(folder, createMasterKey())
    expect(await readMasterKeys(folder, { known: keyring })).toHaveLength(2)
    expect(kms.asked).toHaveLength(before)
  })

  it('beside a key that lies there as it is: both open, and KMS is asked about its own', async () => {
    const plain = createMasterKey(undefined, () => 1)
    writeMasterKey(folder, plain)
    const before = kms.asked.length
    expect((await load()).ids()).toEqual([plain.id])
    expect(kms.asked).toHaveLength(before)
    const { id } = await writeWrappedMasterKey(folder, createMasterKey(), kms.keyArn)
    const keyring = await load()
    expect(keyring.newest.id).toBe(id)
    expect(keyring.get(plain.id)?.key).toEqual(plain.key)
  })

  it('under the name, or with the date, of another does not open', async () => {
    const { id } = await writeWrappedMasterKey(folder, createMasterKey(), kms.keyArn)
    const key = parseWrappedMasterKey(readFileSync(fileOf(id), 'utf8'))
    writeFileSync(fileOf(id), formatWrappedMasterKey({ ...key, createdAt: key.createdAt + 1 }))
    expect(await refusal(load)).toContain('InvalidCiphertextException')
    const other = '0'.repeat(16)
    writeFileSync(fileOf(id), formatWrappedMasterKey({ ...key, id: other }))
    expect(await refusal(load)).toContain(`holds the key ${other}`)
  })

  it('cut off is damaged, not asked about', async () => {
    const { id } = await writeWrappedMasterKey(folder, createMasterKey(), kms.keyArn)
    writeFileSync(fileOf(id), readFileSync(fileOf(id), 'utf8').slice(0, -9))
    const before = kms.asked.length
    expect(await refusal(load)).toContain(`the master key file ${fileOf(id)} is damaged`)
    expect(kms.asked).toHaveLength(before)
  })
})

describe('AWS KMS that does not open it', () => {
  it.each([
    ['AccessDeniedException', 'allow kms:Decrypt'],
    ['DisabledException', 'enable that key again'],
    ['KMSInvalidStateException', 'cancel its deletion'],
  ])('with %s stops the start, naming both keys, and makes no new one', async (name, hint) => {
    const { id } = await writeWrappedMasterKey(folder, createMasterKey(), kms.keyArn)
    kms.refuseWith(name)
    const said = await refusal(() => loadKeyring({ folder, createIfMissing: true }))
    expect(said).toBe(
      `AWS KMS did not open the master key ${id} with ${kms.keyArn}: ${name}; ${said.split('; ')[1]}`,
    )
    expect(said).toContain(hint)
    expect(readdirSync(folder)).toEqual([`${id}.key`])
  })

  it('because it is not there stops the start, too', async () => {
    await writeWrappedMasterKey(folder, createMasterKey(), kms.keyArn)
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', 'http://127.0.0.1:9')
    expect(await refusal(load)).toContain('see that this server reaches AWS KMS in eu-test-1')
  })

  it('and would be asked in clear over a network is not asked', async () => {
    await writeWrappedMasterKey(folder, createMasterKey(), kms.keyArn)
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', 'http://192.0.2.1')
    expect(await refusal(load)).toContain('would be asked without encryption')
  })
})

describe('wrapping a key', () => {
  it.each(['', 'alias/keyrack', 'arn:aws:kms:eu-test-1:111122223333:key/%s', 'arn:aws:s3:::a'])(
    'with %j is refused before anything is asked or written',
    async (arn) => {
      const said = await refusal(() => writeWrappedMasterKey(folder, createMasterKey(), arn))
      expect(said).toContain('that is no ARN of a key of AWS KMS')
      expect(kms.asked).toEqual([])
      expect(readdirSync(folder)).toEqual([])
    },
  )

  it('with a key that is not there, or that may not be used, leaves no file', async () => {
    const absent = kms.keyArn.replace('1234abcd', '00000000')
    const make = (arn: string) => () => writeWrappedMasterKey(folder, createMasterKey(), arn)
    expect(await refusal(make(absent))).toContain('did not wrap the master key')
    kms.refuseWith('AccessDeniedException')
    expect(await refusal(make(kms.keyArn))).toContain('AccessDeniedException')
    expect(readdirSync(folder)).toEqual([])
  })
})
