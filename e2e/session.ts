/**
 * Terminal sessions as text, replayed against the real binaries.
 *
 *     # a remark
 *     $ convox login ${HOST}        the command, run by sh; ${NAME} comes from the variables
 *     < text                        a line of standard input (without any, it is empty)
 *     tty? Password:                wait until the terminal shows this
 *     tty< ${KEY}                   type this line at the terminal
 *     > text                        a line of standard output
 *     2> text                       a line of standard error
 *     ? 1                           the exit status; 0 when not said
 *
 * `...` in an expected line stands for any text; alone it stands for any number of lines. A command
 * with `tty` lines has a terminal of its own (`/dev/tty`); the others have none. Standard output and
 * error are always files, so every byte is told apart.
 */
import { spawn as spawnPlain } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn as spawnPty } from '@lydell/node-pty'

type TerminalStep = { wait: string } | { type: string }

export interface Step {
  line: number
  command: string
  stdin: string[]
  terminal: TerminalStep[]
  stdout: string[]
  stderr: string[]
  status: number
}

export function parseSession(text: string): Step[] {
  const steps: Step[] = []
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trimEnd()
    if (line === '' || line.startsWith('#')) continue
    if (line.startsWith('$ ')) {
      const command = line.slice(2)
      steps.push({
        line: index + 1,
        command,
        stdin: [],
        terminal: [],
        stdout: [],
        stderr: [],
        status: 0,
      })
      continue
    }
    const step = steps.at(-1)
    if (step === undefined || !addTo(step, line)) {
      throw new SyntaxError(`line ${index + 1} of the session is not understood: ${line}`)
    }
  }
  return steps
}

function addTo(step: Step, line: string): boolean {
  const [, mark, rest = ''] = /^(<|tty\?|tty<|>|2>|\?)(?: (.*))?$/.exec(line) ?? []
  if (mark === '<') step.stdin.push(rest)
  else if (mark === 'tty?') step.terminal.push({ wait: rest })
  else if (mark === 'tty<') step.terminal.push({ type: rest })
  else if (mark === '>') step.stdout.push(rest)
  else if (mark === '2>') step.stderr.push(rest)
  else if (mark === '?') step.status = Number(rest)
  else return false
  return true
}

export interface Replayed {
  status: number
  stdout: string
  stderr: string
  /** What the terminal showed. */
  terminal: string
}

export interface SessionSetting {
  variables: Record<string, string>
  environment: Record<string, string>
  cwd: string
}

export async function runStep(step: Step, setting: SessionSetting): Promise<Replayed> {
  const folder = await mkdtemp(join(tmpdir(), 'keyrack-session-'))
  const [out, err] = [join(folder, 'out'), join(folder, 'err')]
  const command = expand(step.command, setting.variables)
  const script = `{ ${command}\n} >'${out}' 2>'${err}'`
  try {
    const { status, terminal } =
      step.terminal.length > 0
        ? await onTerminal(script, step.terminal, setting)
        : await withoutTerminal(script, step.stdin, setting)
    const [stdout, stderr] = await Promise.all([readFile(out, 'utf8'), readFile(err, 'utf8')])
    return { status, stdout, stderr, terminal }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function withoutTerminal(script: string, stdin: string[], setting: SessionSetting) {
  // Its own session (setsid), so that there is no controlling terminal to ask.
  const options = { cwd: setting.cwd, env: setting.environment, detached: true } as const
  const child = spawnPlain('/bin/sh', ['-c', script], {
    ...options,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const lines = stdin.map((line) => `${expand(line, setting.variables)}\n`)
  child.stdin.on('error', () => undefined)
  child.stdin.end(lines.join(''))
  const [code] = await once(child, 'exit')
  return { status: Number(code ?? -1), terminal: '' }
}

async function onTerminal(script: string, steps: TerminalStep[], setting: SessionSetting) {
  const pty = spawnPty('/bin/sh', ['-c', script], {
    cwd: setting.cwd,
    env: setting.environment,
    cols: 120,
    rows: 40,
  })
  let terminal = ''
  let read = 0
  let wake: () => void = () => undefined
  pty.onData((data) => {
    terminal += data
    wake()
  })
  let status: number | undefined
  pty.onExit(({ exitCode }) => {
    status = exitCode
    wake()
  })
  const change = () => new Promise<void>((resolve) => (wake = resolve))
  for (const step of steps) {
    if ('type' in step) {
      pty.write(`${expand(step.type, setting.variables)}\r`)
      continue
    }
    const wanted = expand(step.wait, setting.variables)
    while (!terminal.slice(read).includes(wanted)) {
      if (status !== undefined) {
        throw new Error(
          `ended with ${status} before showing ${JSON.stringify(wanted)}:\n${terminal}`,
        )
      }
      await change()
    }
    read = terminal.indexOf(wanted, read) + wanted.length
  }
  while (status === undefined) await change()
  return { status, terminal }
}

export function expand(text: string, variables: Record<string, string>): string {
  return text.replaceAll(/\$\{([A-Z_]+)\}/g, (whole, name: string) => variables[name] ?? whole)
}

/** A regular expression for expected lines. */
export function expectation(lines: string[], variables: Record<string, string>): RegExp {
  const source = lines.map((line) => {
    if (line === '...') return '(?:.*\\n)*'
    const parts = expand(line, variables).split('...')
    return `${parts.map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('.*')}\\n`
  })
  return new RegExp(`^${source.join('')}$`)
}
