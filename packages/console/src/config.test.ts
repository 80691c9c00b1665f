import { KeyrackError } from '@keyrack/protocol'
import { describe, expect, it } from 'vitest'
import { isLoopback, readConfig } from './config.ts'

function problemOf(env: Record<string, string>): string {
  try {
    readConfig({ env })
  } catch (error) {
    if (error instanceof KeyrackError && error.code === 'invalid') return error.message
    throw error
  }
  return ''
}

describe('the settings', () => {
  it('have defaults for everything: this machine only, data beside the program', () => {
    const config = readConfig({ env: {} })
    expect(config).toMatchObject({
      ...{ port: 3000, tlsPort: 3443, operatorPort: 3444, host: '127.0.0.1', logLevel: 'info' },
      ...{ rackPort: undefined, tlsCertFile: undefined, publicUrl: undefined, exposed: false },
      ...{ trustedProxies: [], allowedHosts: [], rackNetworks: [] },
    })
    expect(config.dataDir).toBe(`${process.cwd()}/data`)
    expect(config.keyDir).toBe(`${process.cwd()}/data/console/keys`)
  })

  it('are all read', () => {
    const config = readConfig({
      env: {
        ...{ PORT: '1', TLS_PORT: '2', RACK_PORT: '3', OPERATOR_PORT: '4', HOST: '192.0.2.1' },
        ...{ DATA_DIR: '/srv/data', KEY_DIR: '/srv/keys', LOG_LEVEL: 'debug' },
        ...{ TLS_CERT_FILE: '/srv/cert.pem', TLS_KEY_FILE: '/srv/key.pem' },
        ...{ TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8', ALLOWED_HOSTS: 'console.lan' },
        ...{ PUBLIC_URL: 'https://console.example.com', RACK_NETWORKS: '10.1.0.0/16 fc00::/7' },
      },
    })
    expect(config).toMatchObject({
      ...{ port: 1, tlsPort: 2, rackPort: 3, operatorPort: 4, host: '192.0.2.1' },
      ...{ dataDir: '/srv/data', keyDir: '/srv/keys', logLevel: 'debug' },
      ...{ tlsCertFile: '/srv/cert.pem', tlsKeyFile: '/srv/key.pem' },
      ...{ trustedProxies: ['127.0.0.1', '10.0.0.0/8'], allowedHosts: ['console.lan'] },
      ...{ publicUrl: 'https://console.example.com', rackNetworks: ['10.1.0.0/16', 'fc00::/7'] },
    })
  })

  it.each([
    ['DATABASE_URL', { DATABASE_URL: 'postgres://ada:pw@db' }],
    ['TLS_KEY_FILE', { TLS_CERT_FILE: '/srv/cert.pem' }],
    ['TLS_CERT_FILE', { TLS_KEY_FILE: '/srv/key.pem' }],
    ['TRUSTED_PROXIES', { TRUSTED_PROXIES: 'proxy.example.com' }],
    ['TRUSTED_PROXIES', { TRUSTED_PROXIES: '10.0.0.0/33' }],
    ['RACK_NETWORKS', { RACK_NETWORKS: '10.0.0.0/8/8' }],
    ['RACK_NETWORKS', { RACK_NETWORKS: '10.0.0.0/' }],
    ['PUBLIC_URL', { PUBLIC_URL: 'console.example.com' }],
    ['PUBLIC_URL', { PUBLIC_URL: 'https://console.example.com/console' }],
    ['PUBLIC_URL', { PUBLIC_URL: 'https://ada:pw@console.example.com' }],
    ['PORT and TLS_PORT', { PORT: '5000', TLS_PORT: '5000' }],
    ['TLS_PORT and RACK_PORT', { RACK_PORT: '3443' }],
    ['PORT', { PORT: 'http' }],
    ['LOG_LEVEL', { LOG_LEVEL: 'loud' }],
  ])('name %s when it is wrong', (name, env) => {
    expect(problemOf(env)).toContain(name)
  })

  it('never repeat a database address, which holds a password', () => {
    expect(problemOf({ DATABASE_URL: 'postgres://ada:s3cr3t@db' })).not.toContain('s3cr3t')
  })

  it('report several mistakes at once', () => {
    const problem = problemOf({ PUBLIC_URL: 'x', RACK_NETWORKS: 'y', DATABASE_URL: 'z' })
    for (const name of ['PUBLIC_URL', 'RACK_NETWORKS', 'DATABASE_URL']) {
      expect(problem).toContain(name)
    }
  })

  it('that are wrong are told together, whether alone or beside each other', () => {
    const env = {
      PORT: 'eighty',
      TLS_PORT: '3443',
      RACK_PORT: '3443',
      DATABASE_URL: 'postgres://ann:s3cr3t@db',
      TLS_CERT_FILE_FILE: '/nowhere',
      TLS_KEY_FILE: '/key.pem',
      TRUSTED_PROXIES: 'everybody',
    }
    let message = ''
    try {
      readConfig({ env })
    } catch (error) {
      message = error instanceof Error ? error.message : ''
    }
    expect(message.split('\n')).toEqual([
      '5 settings are wrong:',
      expect.stringMatching(/^ {2}PORT /),
      expect.stringMatching(/^ {2}TLS_CERT_FILE_FILE names \/nowhere/),
      expect.stringMatching(/^ {2}DATABASE_URL is wrong: it names no database/),
      expect.stringMatching(/^ {2}TRUSTED_PROXIES holds/),
      '  TLS_PORT and RACK_PORT are both 3443; change one',
    ])
    expect(message).not.toContain('s3cr3t')
  })

  it.each([
    [{ HOST: '0.0.0.0' }],
    [{ HOST: '::' }],
    [{ HOST: '192.0.2.1' }],
    [{ HOST: 'console.example.com' }],
    [{ TRUSTED_PROXIES: '127.0.0.1' }],
    [{ ALLOWED_HOSTS: 'console.example.com' }],
    [{ PUBLIC_URL: 'https://console.example.com' }],
  ])('say that others can reach the Console with %j', (env) => {
    expect(readConfig({ env }).exposed).toBe(true)
  })

  it('let only harmless variables through to children', () => {
    const { childEnvironment } = readConfig({
      env: {
        PATH: '/bin',
        LANG: 'C',
        AWS_SECRET_ACCESS_KEY: 'x',
        npm_config_y: 'z',
        KEY_DIR: '/k',
      },
    })
    expect(childEnvironment).toEqual({ PATH: '/bin', LANG: 'C' })
  })
})

it.each([
  ['127.0.0.1', true],
  ['127.8.8.8', true],
  ['::1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['128.0.0.1', false],
  ['localhost.example.com', false],
  ['127.0.0.1.example.com', false],
])('%s is loopback: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected)
})
