import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { childEnvironment } from './child-environment.ts'

const PARENT = {
  PATH: process.env.PATH,
  HOME: '/home/x',
  LANG: 'C.UTF-8',
  LC_ALL: 'C',
  TZ: 'UTC',
  TERM: 'xterm',
  EMPTY: undefined,
  DATABASE_URL: 'postgres://secret',
  RACK_KEY_HASH: 'secret',
  KEY_DIR: '/secret',
  AWS_SECRET_ACCESS_KEY: 'secret',
  CREDENTIALS_DIRECTORY: '/run/secret',
  NODE_OPTIONS: '--require /secret.js',
  LD_PRELOAD: '/secret.so',
  npm_config_registry: 'https://secret',
}

describe('the environment of a child process', () => {
  it('holds what a program needs and nothing that is not on the list', () => {
    expect(childEnvironment(PARENT)).toEqual({
      PATH: process.env.PATH,
      HOME: '/home/x',
      LANG: 'C.UTF-8',
      LC_ALL: 'C',
      TZ: 'UTC',
      TERM: 'xterm',
    })
  })

  it('takes further names and values only when they are given; a value wins', () => {
    const child = childEnvironment(PARENT, ['KEY_DIR', 'MISSING'], {
      HOME: '/data',
      X: '1',
      Y: undefined,
    })
    expect(child).toMatchObject({ KEY_DIR: '/secret', HOME: '/data', X: '1' })
    expect(Object.keys(child)).not.toContain('MISSING')
    expect(Object.keys(child)).not.toContain('Y')
    expect(child.DATABASE_URL).toBeUndefined()
  })

  it('is all that a real child sees', () => {
    const print = 'process.stdout.write(JSON.stringify(process.env))'
    const seen = execFileSync(process.execPath, ['-e', print], {
      env: childEnvironment(PARENT),
      encoding: 'utf8',
    })
    expect(seen).not.toContain('secret')
  })
})
