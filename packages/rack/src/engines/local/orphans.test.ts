import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import ssh2, { type Client } from 'ssh2'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { logIn, openCommand, runningIds, until } from '../conformance-client.ts'
import { Lab } from './fixture/lab.ts'
import { endMarkedProcesses, markVariables } from './process-mark.ts'

const OWNER = fileURLToPath(
  new URL('../../../dist/engines/local/fixture/engine-owner.js', import.meta.url),
)
const SECRETS = {
  DATABASE_URL: 'postgres://user:tell-nobody@127.0.0.1/keyrack',
  RACK_KEY_HASH: 'tell-nobody',
  KEYRACK_MASTER_KEY: 'tell-nobody',
  AWS_SECRET_ACCESS_KEY: 'tell-nobody',
  NODE_OPTIONS: '--no-warnings',
  npm_config_secret: 'tell-nobody',
  npm_package_name: 'tell-nobody',
}

// Everything here is found through /proc.
describe.runIf(existsSync('/proc/self/environ'))('what a kill leaves of the local engine', () => {
  let lab: Lab
  beforeEach(async () => {
    lab = await Lab.open()
  })
  afterEach(() => lab.close())

  async function startOwner(): Promise<{ owner: ChildProcess; instances: Instance[] }> {
    const owner = spawn(process.execPath, [OWNER, lab.instancesFolder, lab.key.publicKey], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...SECRETS },
    })
    onTestFinished(() => void owner.kill('SIGKILL'))
    const [line] = await once(createInterface({ input: owner.stdout }), 'line')
    return { owner, instances: JSON.parse(String(line)) }
  }

  async function dial({ port }: Instance): Promise<Client> {
    const client = new ssh2.Client()
    const sock = connect({ host: '127.0.0.1', port, noDelay: true })
    client.connect({ sock, username: 'keyrack', privateKey: lab.key.privateKey })
    await once(client, 'ready')
    client.on('error', () => {})
    onTestFinished(() => void client.end())
    return client
  }

  /** A command, one in a terminal, one that ignores hanging up, and one with a session of its own. */
  async function startSessions(client: Client): Promise<void> {
    await openCommand(client, 'exec sleep 1000')
    await openCommand(client, 'exec sleep 1001', { pty: { rows: 24, cols: 80 } })
    await openCommand(client, 'nohup sleep 1002 >/dev/null 2>&1 & exec sleep 1003')
    await openCommand(client, 'setsid sleep 1004 >/dev/null 2>&1 </dev/null & exec sleep 1005')
    for (let seconds = 1000; seconds <= 1005; seconds += 1) await lab.runs(`sleep ${seconds}`)
  }

  const sleeping = async () =>
    (await lab.processes()).filter(({ command }) => command.startsWith('sleep '))

  it('ends everything that an instance started when the instance is killed', async () => {
    const engine = lab.engine({ count: 2 })
    await engine.start()
    const [killed = '', other = ''] = await runningIds(engine, 2)
    const client = await logIn(engine, killed, lab.key.privateKey)
    await startSessions(client)
    const bystander = await logIn(engine, other, lab.key.privateKey)
    await openCommand(bystander, 'exec sleep 1010')
    await lab.runs('sleep 1010')

    await lab.kill(killed)
    await until(async () => ((await sleeping()).length === 1 ? true : undefined))
    expect(await sleeping()).toMatchObject([{ command: 'sleep 1010', instance: other }])
    expect(await runningIds(engine, 2)).toContain(other)
    bystander.end()
  })

  it('ends everything that an instance started when it is terminated, nohup and setsid too', async () => {
    const engine = lab.engine()
    await engine.start()
    const [id = ''] = await runningIds(engine, 1)
    await startSessions(await logIn(engine, id, lab.key.privateKey))
    await engine.terminate(id)
    expect(await sleeping()).toEqual([])
  })

  it('ends the instances and everything they started when their Rack is killed', async () => {
    const { owner, instances } = await startOwner()
    expect(instances).toHaveLength(2)
    for (const instance of instances) await dial(instance)
    await startSessions(await dial(first(instances)))
    owner.kill('SIGKILL')
    await lab.nothingRuns()
  })

  it('ends at the next start what was left when Rack and instances were killed at once', async () => {
    const { owner, instances } = await startOwner()
    await startSessions(await dial(first(instances)))
    const pids = await Promise.all(instances.map(({ id }) => lab.instancePid(id)))
    // Held first: an instance that sees its Rack die begins at once to end what it started.
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    for (const pid of [owner.pid ?? 0, ...pids]) process.kill(pid, 'SIGKILL')
    await once(owner, 'exit')
    // Nobody is there any more who could end these.
    expect((await sleeping()).map(({ command }) => command)).toContain('sleep 1004')

    const engine = lab.engine({ count: 2 })
    await engine.start()
    expect(await sleeping()).toEqual([])
    expect(await runningIds(engine, 2)).toEqual(instances.map(({ id }) => id).sort())
  })

  it('replaces an instance that is killed before it can be reached', async () => {
    const engine = lab.engine()
    const started = engine.start()
    const { pid, instance } = await until(async () => (await lab.processes())[0])
    process.kill(pid, 'SIGKILL')
    await started
    expect(await runningIds(engine, 1)).not.toContain(instance)
  })

  it('stops with its Rack, and nothing is left', async () => {
    const { owner, instances } = await startOwner()
    await startSessions(await dial(first(instances)))
    owner.stdin?.end()
    const [code] = await once(owner, 'exit')
    expect(code).toBe(0)
    expect(await lab.leftovers()).toEqual([])
  })

  it('shows nothing of the server environment to an instance, a command or a shell', async () => {
    const { instances } = await startOwner()
    const client = await dial(first(instances))
    await startSessions(client)
    const channel = await new Promise<NodeJS.WritableStream>((resolve, reject) => {
      client.shell((error, shell) => (error ? reject(error) : resolve(shell)))
    })
    channel.write('exec sleep 1020\n')
    await lab.runs('sleep 1020')

    const processes = await lab.processes()
    expect(processes.length).toBeGreaterThanOrEqual(9)
    const allowed =
      /^(PATH|HOME|LANG|LC_\w+|TZ|TMPDIR|USER|LOGNAME|SHELL|TERM|KEYRACK_INSTANCE|KEYRACK_OWNER)$/
    // A shell sets these for the programs that it starts.
    const ofShells = /^(PWD|OLDPWD|SHLVL|_|LS_COLORS|PS1|MAIL)$/
    for (const { environment, command } of processes) {
      expect(environment, command).not.toContain('tell-nobody')
      const names = environment.split('\0').flatMap((entry) => entry.split('=')[0] || [])
      const others = names.filter((name) => !allowed.test(name) && !ofShells.test(name))
      expect(others, command).toEqual([])
      expect(command).not.toContain('tell-nobody')
    }
  })

  it('never touches the processes of another data folder, nor of anybody else', async () => {
    const engine = lab.engine()
    await engine.start()
    const owner = await lab.owner()
    const strangers = [
      {},
      markVariables({ owner: 'f'.repeat(32), instance: 'i-00000000000b' }),
      markVariables({ owner: `${owner}0`, instance: 'i-00000000000b' }),
      { NOTE: `KEYRACK_OWNER=${owner}`, KEYRACK_INSTANCE: 'i-00000000000b' },
    ].map((env) => spawn('/bin/sleep', ['1030'], { env }))
    onTestFinished(() => {
      for (const stranger of strangers) stranger.kill('SIGKILL')
    })
    await Promise.all(strangers.map((stranger) => once(stranger, 'spawn')))
    // The same command with the mark, to see that there is something to end.
    const ours = spawn('/bin/sleep', ['1031'], {
      env: markVariables({ owner, instance: 'i-00000000000b' }),
    })
    await lab.runs('/bin/sleep 1031')
    await endMarkedProcesses({ owner, instance: 'i-00000000000c' }, 0)
    expect(ours.exitCode ?? ours.signalCode).toBeNull()

    const ended = once(ours, 'exit')
    await engine.stop()
    await engine.start()
    expect(await ended).toEqual([null, 'SIGKILL'])
    for (const stranger of strangers) expect(stranger.exitCode ?? stranger.signalCode).toBeNull()
  })
})

interface Instance {
  id: string
  port: number
}

function first(instances: Instance[]): Instance {
  const [instance] = instances
  if (instance === undefined) throw new Error('no instance runs')
  return instance
}
