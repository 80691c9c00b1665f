import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** From `bench/dist`. */
const LAUNCHER = fileURLToPath(
  new URL('../../packages/console/bin/keyrack-console.js', import.meta.url),
)

export interface BenchConsole {
  /** `http://localhost:PORT` */
  web: string
  /** Of the founder of `acme`, whose Rack is `acme/dev`. */
  apiKey: string
  stop(): Promise<void>
}

/** The real Console with its local Rack, in a folder that goes with it. */
export async function startBenchConsole(): Promise<BenchConsole> {
  const folder = await mkdtemp(join(tmpdir(), 'keyrack-bench-'))
  const ports = { PORT: '0', TLS_PORT: '0', OPERATOR_PORT: '0' }
  const child = spawn(process.execPath, [LAUNCHER], {
    env: { PATH: process.env.PATH ?? '', HOME: folder, DATA_DIR: folder, ...ports },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const exited = once(child, 'exit')
  const web = await new Promise<string>((resolve, reject) => {
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      const [, address] = /Sign up at {2}(http:\/\/localhost:\d+)/.exec(output) ?? []
      if (address !== undefined) resolve(address)
    })
    child.once('exit', (code) => reject(new Error(`the Console ended with ${code}`)))
  })
  return {
    web,
    apiKey: await signUp(web),
    async stop() {
      child.kill('SIGTERM')
      await exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function signUp(web: string): Promise<string> {
  const answer = await fetch(`${web}/api/sign-up`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      email: 'ann@example.com',
      password: 'a heron waits at the mill pond',
      organization: 'acme',
    }),
  })
  if (answer.status !== 201) throw new Error(`no account was made: ${await answer.text()}`)
  return ((await answer.json()) as { api_key: string }).api_key
}
