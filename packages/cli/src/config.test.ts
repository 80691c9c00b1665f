import { mkdirSync, symlinkSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readEnvironment } from './config.ts'
import { temporaryFolder } from './testing/temporary-folder.ts'

describe('the environment', () => {
  it('can say nothing at all', () => {
    expect(readEnvironment({}, '/project')).toEqual({
      configFolder: join(homedir(), '.convox'),
      projectFolder: '/project/.convox',
      host: undefined,
      password: undefined,
      rack: undefined,
      rackUrl: undefined,
      colour: true,
      forPrograms: {},
      httpsProxy: undefined,
      noProxy: '',
      debug: false,
    })
  })

  it('is trimmed, and an empty variable is none', () => {
    const read = readEnvironment(
      { CONVOX_HOST: ' a ', CONVOX_RACK: '', CONVOX_PASSWORD: 'k\n' },
      '/',
    )
    expect([read.host, read.rack, read.password?.reveal()]).toEqual(['a', undefined, 'k'])
    expect(JSON.stringify(read)).not.toContain('"k')
  })

  it('gives no key to a program that is started from here', () => {
    const plain = { PATH: '/bin', HOME: '/home/ann', LC_ALL: 'C', TZ: 'UTC' }
    const keys = { CONVOX_PASSWORD: 'a', RACK_URL: 'b', DATABASE_URL: 'c', NODE_OPTIONS: 'd' }
    expect(readEnvironment({ ...plain, ...keys, XPATH: 'e' }).forPrograms).toEqual(plain)
  })

  it('turns colour off', () => {
    expect(readEnvironment({ NO_COLOR: '1' }, '/').colour).toBe(false)
    expect(readEnvironment({ TERM: 'dumb' }, '/').colour).toBe(false)
    expect(readEnvironment({ NO_COLOR: '' }, '/').colour).toBe(true)
  })

  it('never takes the folder of the person for one of a project, however it is reached', () => {
    const folder = temporaryFolder()
    const config = join(folder, '.convox')
    expect(readEnvironment({ CONVOX_CONFIG: config }, folder).projectFolder).toBeUndefined()
    mkdirSync(config)
    symlinkSync(folder, join(folder, 'link'))
    const throughLink = readEnvironment({ CONVOX_CONFIG: config }, join(folder, 'link'))
    expect(throughLink.projectFolder).toBeUndefined()
    expect(readEnvironment({}, homedir()).projectFolder).toBeUndefined()
  })
})
