import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { spawn as spawnPty } from '@lydell/node-pty'

/** What npm links as `convox`. */
export const LAUNCHER = fileURLToPath(new URL('../../bin/convox.js', import.meta.url))
const BUILT = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

export interface Setting {
  cwd?: string
  env?: Record<string, string>
  /** What is on stdin; empty when not given. */
  stdin?: string | Buffer
}

export interface Ran {
  status: number | null
  stdout: string
  stderr: string
}

/** The real command, with no terminal anywhere: it leads a session of its own. */
export function startConvox(args: readonly string[], setting: Setting = {}): ChildProcess {
  if (!existsSync(BUILT)) throw new Error('build first: npx tsc -b packages/cli')
  return spawn(process.execPath, [LAUNCHER, ...args], {
    cwd: setting.cwd ?? '/',
    env: environment(setting),
    detached: true,
  })
}

export async function runConvox(args: readonly string[], setting: Setting = {}): Promise<Ran> {
  const child = startConvox(args, setting)
  // It may well end without having read its input.
  child.stdin?.on('error', () => {})
  child.stdin?.end(setting.stdin ?? '')
  const [out, err]: [Buffer[], Buffer[]] = [[], []]
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk))
  await once(child, 'close')
  const text = (chunks: Buffer[]): string => Buffer.concat(chunks).toString('utf8')
  return { status: child.exitCode, stdout: text(out), stderr: text(err) }
}

export interface TerminalRun {
  /** Resolves as soon as the terminal has shown the text. */
  shows(text: string): Promise<void>
  type(text: string): void
  /** Everything shown until the end, and the status. */
  ended: Promise<{ status: number; shown: string }>
}

export interface TerminalSetting extends Setting {
  size?: { columns: number; rows: number }
  /** What follows the command in a line of the shell: `> out`, `; stty -a`. */
  shell?: string
}

/** The real command at a real terminal, which is its stdin, stdout, stderr and /dev/tty. */
export function runAtTerminal(args: readonly string[], setting: TerminalSetting = {}): TerminalRun {
  const { columns, rows } = setting.size ?? { columns: 200, rows: 50 }
  // The shell says how it ended and stays: what a terminal shows last can be lost when it closes.
  const line = `trap : INT; "$0" "$@" ${setting.shell ?? ''}; printf '[ended %s]' $?; read -r _`
  const child = spawnPty('/bin/sh', ['-c', line, process.execPath, LAUNCHER, ...args], {
    cwd: setting.cwd ?? '/',
    env: environment(setting),
    cols: columns,
    rows,
  })
  let shown = ''
  let check = (): void => {}
  const ended = new Promise<{ status: number; shown: string }>((resolve) => {
    child.onData((data) => {
      shown += data
      check()
      const end = /\[ended (\d+)\]/.exec(shown)
      if (end === null) return
      resolve({ status: Number(end[1]), shown: shown.slice(0, end.index) })
      child.kill('SIGKILL')
    })
  })
  return {
    ended,
    type: (text) => child.write(text),
    shows: (text) =>
      new Promise((resolve, reject) => {
        check = () => {
          if (shown.includes(text)) resolve()
        }
        check()
        ended.then(() => reject(new Error(`ended without showing ${text}:\n${shown}`)))
      }),
  }
}

function environment(setting: Setting): Record<string, string> {
  return { PATH: process.env.PATH ?? '', TERM: 'xterm', ...setting.env }
}
