/** A Console and its local Rack, started as a user starts them: the real binary in a fresh folder. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const launcher = fileURLToPath(
  new URL('../packages/console/bin/keyrack-console.js', import.meta.url),
)

export interface StartedConsole {
  child: ChildProcess
  /** The folder that holds `data`. */
  folder: string
  environment: Record<string, string>
  /** `http://localhost:PORT`. */
  web: string
  /** `localhost:TLS_PORT`. */
  host: string
  fingerprint: string
  /** Everything printed so far. */
  output(): string
  /** Asks the process to stop and returns its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
  /** Starts it again on the same folder and ports; `prefix` as at `startConsole`. */
  restart(prefix?: readonly string[]): Promise<StartedConsole>
  remove(): Promise<void>
}

/** `prefix`: a program, with its arguments, that becomes the server. */
export async function startConsole(
  extra: Record<string, string> = {},
  folder?: string,
  prefix: readonly string[] = [],
): Promise<StartedConsole> {
  const home = folder ?? (await mkdtemp(join(tmpdir(), 'keyrack-e2e-')))
  for (let attempt = 1; ; attempt++) {
    const [port, tlsPort, operatorPort] = await freePorts(3)
    const environment: Record<string, string> = {
      PATH: process.env.PATH ?? '',
      HOME: home,
      DATA_DIR: join(home, 'data'),
      PORT: String(port),
      TLS_PORT: String(tlsPort),
      OPERATOR_PORT: String(operatorPort),
      ...extra,
    }
    try {
      return await launch(home, environment, prefix)
    } catch (error) {
      // Somebody else on this machine took a port between our looking and its listening.
      if (attempt === 3 || !/port \d+ is taken/.test(String(error))) throw error
    }
  }
}

async function launch(
  folder: string,
  environment: Record<string, string>,
  prefix: readonly string[],
): Promise<StartedConsole> {
  const [program = process.execPath, ...args] = [...prefix, process.execPath, launcher]
  const child = spawn(program, args, {
    cwd: folder,
    env: environment,
    stdio: 'pipe',
  })
  let output = ''
  const exited = once(child, 'exit')
  const fingerprint = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString('utf8')
      const [, hex] = /convox login \S+ --fingerprint ([0-9a-f]{64})/.exec(output) ?? []
      if (hex !== undefined) resolve(hex)
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('exit', (code) =>
      reject(new Error(`exited with ${code} before it was ready:\n${output}`)),
    )
  })
  return {
    child,
    folder,
    environment,
    web: `http://localhost:${environment.PORT}`,
    host: `localhost:${environment.TLS_PORT}`,
    fingerprint,
    output: () => output,
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      const [code] = await exited
      return typeof code === 'number' ? code : null
    },
    restart: (again = []) => launch(folder, environment, again),
    async remove() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM')
        await exited
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export interface SignedUp {
  id: string
  apiKey: string
}

export const PASSWORD = 'a heron waits at the mill pond'

export async function signUp(
  server: Pick<StartedConsole, 'web'>,
  account: { email: string; organization?: string; invitation?: string },
): Promise<SignedUp> {
  const answer = await fetch(`${server.web}/api/sign-up`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ password: PASSWORD, ...account }),
  })
  const body = (await answer.json()) as { id: string; api_key: string; error?: string }
  if (answer.status !== 201) throw new Error(`sign-up: ${answer.status} ${body.error}`)
  return { id: body.id, apiKey: body.api_key }
}

export function basic(key: string): string {
  return `Basic ${Buffer.from(`convox:${key}`).toString('base64')}`
}

export interface ListedInstance {
  id: string
  status: string
}

/** The instances of `acme/dev` as a person lists them; undefined where that is not answered. */
export async function listInstances(
  { web }: Pick<StartedConsole, 'web'>,
  key: string,
): Promise<ListedInstance[] | undefined> {
  const answer = await fetch(`${web}/instances`, {
    headers: { Authorization: basic(key), Rack: 'acme/dev' },
  }).catch(() => undefined)
  return answer?.status === 200 ? ((await answer.json()) as ListedInstance[]) : undefined
}

/** Waits until all three run. */
export function threeRunning(
  running: Pick<StartedConsole, 'web'>,
  key: string,
): Promise<ListedInstance[]> {
  return eventually('three running instances', async () => {
    const listed = await listInstances(running, key)
    return listed?.length === 3 && listed.every(({ status }) => status === 'running')
      ? listed
      : undefined
  })
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  return Promise.all(
    servers.map(async (server) => {
      const address = server.address()
      server.close()
      await once(server, 'close')
      if (address === null || typeof address === 'string') throw new TypeError('no port')
      return address.port
    }),
  )
}

/** Waits for a state that has no event of its own; fails with the description after the deadline. */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined> | T | undefined,
  deadlineMs = 20_000,
): Promise<T> {
  const end = Date.now() + deadlineMs
  for (;;) {
    const found = await probe()
    if (found !== undefined) return found
    if (Date.now() > end) throw new Error(`did not happen in ${deadlineMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
