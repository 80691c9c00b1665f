import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { finish, startConvox } from '../convox.ts'
import { eventually } from '../started-console.ts'
import { startWorld, type World } from './started-world.ts'

const CAPABILITIES = '-dac_override,-dac_read_search'
/** Modes mean nothing to root, unless it gives up what lets it ignore them. */
const MODES_COUNT =
  process.getuid?.() === 0
    ? ['setpriv', `--inh-caps=${CAPABILITIES}`, `--bounding-set=${CAPABILITIES}`]
    : []

const readOnly = (folder: string) => execFileSync('chmod', ['-R', 'a-w', folder])
const writable = (folder: string) => execFileSync('chmod', ['-R', 'u+w', folder])

let world: World
let data: string
beforeAll(async () => {
  world = await startWorld({}, MODES_COUNT)
  data = world.server.environment.DATA_DIR ?? ''
})
afterAll(async () => {
  writable(world.server.folder)
  await world.remove()
})

describe('a data folder that becomes read-only under running servers', () => {
  it('loses nothing acknowledged, begins nothing that cannot be recorded, and stops no command', async () => {
    const [id = '', other = ''] = await world.running()
    const ssh = (command: string) => world.run('instances', 'ssh', id, command)
    expect((await ssh('echo before > kept')).status).toBe(0)
    readOnly(data)
    const terminate = await world.run('instances', 'terminate', other)
    expect(terminate.status).toBe(1)
    expect(terminate.stderr).toContain('the folder of the instances cannot be written; nothing was')
    expect(await world.running()).toContain(other)
    // The command is told by its own system, and its status passed on.
    const write = await ssh('echo after > new || exit 9')
    expect(write).toMatchObject({ status: 9, stdout: expect.stringContaining('ermission denied') })
    expect(await ssh('cat kept')).toMatchObject({ status: 0, stdout: 'before\n' })
    // The database is open already; what it takes it keeps, as the restart below shows.
    expect((await world.renew()).status).toBe(201)
    expect((await world.logIn()).status).toBe(0)

    // An instance that ends now has no successor until there is a folder for one.
    process.kill(await world.pidOf(other), 'SIGKILL')
    await world.logged('EACCES')
    writable(data)
    await eventually('a successor', async () => !(await world.running()).includes(other))
  })
})

describe('a data folder that is read-only at the start', () => {
  it('of the Console is named, with what to do, and leaves nothing running', async () => {
    await world.server.stop()
    readOnly(data)
    await expect(world.server.restart(MODES_COUNT)).rejects.toThrow(
      /ERROR: cannot use .*\/console\/.*: this user may not write there; give the user who runs/,
    )
    expect(await world.processes()).toEqual([])
  })

  it('of the local Rack is named and stops nothing else, until it can be written', async () => {
    writable(data)
    readOnly(join(data, 'racks'))
    const before = world.key
    world.server = await world.server.restart(MODES_COUNT)
    await world.logged('racks/dev/')
    expect(world.server.output()).toMatch(/cannot use .*\/racks\/dev\/.*: this user may not write/)
    // What was acknowledged while the folder was read-only.
    expect((await world.ask('/auth')).status).toBe(200)
    expect(world.key).toBe(before)
    const ran = await world.run('instances')
    expect(ran.status).toBe(1)
    expect(ran.stderr).toMatch(/ERROR: .*acme\/dev/)
    writable(data)
    await world.running()
  })
})

describe('a folder of the command line that is read-only', () => {
  it('is enough for every command that changes nothing there; the others say what to do', async () => {
    const run = (...args: string[]) => finish(startConvox(world.home, args, MODES_COUNT))
    const folder = join(world.home, '.convox')
    readOnly(folder)
    for (const args of [['racks'], ['instances'], ['auth']]) {
      expect(await run(...args), args.join()).toMatchObject({ status: 0, stderr: '' })
    }
    const child = startConvox(
      world.home,
      ['login', world.server.host, '--fingerprint', world.server.fingerprint, '--password-stdin'],
      MODES_COUNT,
    )
    child.stdin?.write(world.key)
    const refused = await finish(child)
    expect(refused.status).toBe(1)
    expect(refused.stderr).toContain('it is read-only for you; make it writable')
    writable(folder)
    expect((await run('racks')).status).toBe(0)
    const stopped = once(world.server.child, 'exit')
    world.server.child.kill('SIGTERM')
    expect(await stopped).toEqual([0, null])
    expect(await world.processes()).toEqual([])
  })
})
