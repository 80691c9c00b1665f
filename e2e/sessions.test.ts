import { mkdir, readdir, readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ConnectProxy, openConnectProxy } from '@keyrack/protocol/connect-proxy.fixture'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { processesOf } from './processes.ts'
import { expectation, parseSession, runStep, type SessionSetting } from './session.ts'
import {
  PASSWORD,
  type StartedConsole,
  signUp,
  startConsole,
  threeRunning,
} from './started-console.ts'
import { type StartedRack, startRack } from './started-rack.ts'

const SESSIONS = fileURLToPath(new URL('./sessions/', import.meta.url))
const BIN = fileURLToPath(new URL('../node_modules/.bin', import.meta.url))

let server: StartedConsole
let key: string
/** One that no Console knows. */
let rack: StartedRack
/** Knows `rack.invalid`, and shows the Console as `between.invalid`. */
let proxy: ConnectProxy
const PROXY_PASSWORD = 'a-word-for-the-proxy'

beforeAll(async () => {
  server = await startConsole()
  key = (await signUp(server, { email: 'ann@example.com', organization: 'acme' })).apiKey
  rack = await startRack()
  const ports = new Map([
    ['rack.invalid:443', portOf(rack.host)],
    ['between.invalid:443', portOf(server.host)],
  ])
  const route = (target: string) => ports.get(target)
  proxy = await openConnectProxy({ route, login: `ann:${PROXY_PASSWORD}` })
})

afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  await rack.remove()
  await server.stop()
  // Racks that a session installed and, because it failed, did not remove.
  for (const { pid } of await processesOf(server.folder)) process.kill(pid, 'SIGKILL')
  await server.remove()
})

function portOf(host: string): number {
  return Number(host.split(':')[1])
}

describe('terminal sessions against the real binaries', async () => {
  const files = (await readdir(SESSIONS)).filter((name) => name.endsWith('.session')).sort()
  for (const file of files) {
    it(file.replace('.session', '').replaceAll('-', ' '), async () => {
      // Each session is a person on a new machine: an empty home.
      const home = join(server.folder, file)
      await mkdir(home)
      const setting: SessionSetting = {
        cwd: home,
        environment: {
          HOME: home,
          PATH: [BIN, process.env.PATH ?? ''].join(delimiter),
          TERM: 'xterm',
        },
        variables: {
          HOST: server.host,
          WEB: server.web,
          DATA_DIR: server.environment.DATA_DIR ?? '',
          FINGERPRINT: server.fingerprint,
          KEY: key,
          LAST_FOUR: key.slice(-4),
          PASSWORD,
          RACK_HOST: rack.host,
          RACK_KEY: rack.key,
          RACK_FINGERPRINT: rack.fingerprint,
          PROXY: `127.0.0.1:${proxy.port}`,
          PROXY_PASSWORD,
          INSTANCE: (await threeRunning(server, key))[0]?.id ?? '',
        },
      }
      for (const step of parseSession(await readFile(join(SESSIONS, file), 'utf8'))) {
        const ran = await runStep(step, setting)
        const said = `${file}:${step.line} $ ${step.command}\n${JSON.stringify(ran, null, 2)}`
        expect(ran.status, said).toBe(step.status)
        expect(ran.stdout, said).toMatch(expectation(step.stdout, setting.variables))
        expect(ran.stderr, said).toMatch(expectation(step.stderr, setting.variables))
        // Whatever happened, no secret was shown.
        for (const text of [ran.stdout, ran.stderr, ran.terminal]) {
          expect(text).not.toContain(key)
          expect(text).not.toContain(rack.key)
          expect(text).not.toContain(PROXY_PASSWORD)
        }
      }
    })
  }
})
