import { hashApiKey, mintApiKey, sha256Hex } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { readConfig } from './config.ts'

const HASH = hashApiKey(mintApiKey('rack'))

describe('the configuration of a Rack', () => {
  it('has defaults that bind to this machine only', () => {
    expect(readConfig({ env: {} })).toMatchObject({
      rackName: 'dev',
      host: '127.0.0.1',
      loopbackOnly: true,
      port: undefined,
      rackKeyHash: undefined,
      logLevel: 'info',
      logFile: undefined,
    })
  })

  it('reads everything it is given', () => {
    const env = {
      DATA_DIR: '/srv/keyrack',
      RACK_NAME: 'staging-2',
      RACK_PORT: '5443',
      HOST: '::1',
      RACK_KEY_HASH: HASH.toUpperCase(),
      LOG_LEVEL: 'warn',
      LOG_FILE: '/var/log/rack.log',
    }
    expect(readConfig({ env })).toMatchObject({
      dataDir: '/srv/keyrack',
      rackName: 'staging-2',
      port: 5443,
      host: '::1',
      loopbackOnly: true,
      rackKeyHash: HASH,
      logLevel: 'warn',
      logFile: '/var/log/rack.log',
    })
  })

  it('takes the hash of the key from a file', () => {
    const readFile = (path: string) => (path === '/run/hash' ? `${HASH}\n` : '')
    expect(readConfig({ env: { RACK_KEY_HASH_FILE: '/run/hash' }, readFile }).rackKeyHash).toBe(
      HASH,
    )
  })

  it('reports every mistake at once, and never repeats what was given for the key', () => {
    const key = mintApiKey('rack').reveal()
    const env = { RACK_KEY_HASH: key, RACK_PORT: 'x', RACK_NAME: '../up', LOG_LEVEL: 'loud' }
    const read = () => readConfig({ env })
    for (const name of Object.keys(env)) expect(read).toThrow(name)
    expect(read).not.toThrow(key)
  })

  it.each(['..', '.', 'a/b', 'Dev', '1st', '', ' ', 'a'.repeat(27), 'dev\n', 'a.b'])(
    'refuses the name %j, which could not be a folder and an organization/name',
    (name) => {
      if (name === '') expect(readConfig({ env: { RACK_NAME: name } }).rackName).toBe('dev')
      else expect(() => readConfig({ env: { RACK_NAME: name } })).toThrow('RACK_NAME')
    },
  )

  it('refuses the hash of no key at all', () => {
    const env = { RACK_KEY_HASH: sha256Hex('') }
    expect(() => readConfig({ env })).toThrow('empty or masked')
  })

  it.each([
    ['127.0.0.1', true],
    ['127.8.9.1', true],
    ['localhost', true],
    ['::1', true],
    ['0.0.0.0', false],
    ['::', false],
    ['192.168.1.2', false],
    ['localhost.example.com', false],
    ['127.0.0.1.example.com', false],
  ])('says whether %s is on this machine only: %s', (host, loopbackOnly) => {
    expect(readConfig({ env: { HOST: host } }).loopbackOnly).toBe(loopbackOnly)
  })

  it('passes nothing of its own settings on to instances', () => {
    const env = { PATH: '/bin', RACK_KEY_HASH: HASH, DATABASE_URL: 'x', npm_config_x: 'y' }
    expect(readConfig({ env }).childEnvironment).toEqual({ PATH: '/bin' })
  })
})
