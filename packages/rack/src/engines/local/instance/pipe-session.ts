import { spawn } from 'node:child_process'
import type { ServerChannel } from 'ssh2'
import { ChannelOutput } from './channel-output.ts'
import {
  type SessionExit,
  type SessionProcess,
  type SessionRequest,
  sessionProgram,
  signalGroup,
} from './session-process.ts'

/** Runs a program without a terminal: three pipes, so stdout and stderr stay apart. */
export function openPipeSession(channel: ServerChannel, request: SessionRequest): SessionProcess {
  const { file, args } = sessionProgram(request)
  const child = spawn(file, args, {
    cwd: request.home,
    env: request.environment,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let running = true
  const ended = new Promise<SessionExit>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      running = false
      resolve({ code: code ?? 1, signal: signal ?? undefined })
    })
  })

  // A program need not read what it is sent: what is left over is thrown away, or the channel
  // would never get to its end.
  child.stdin.on('error', () => {})
  child.stdin.once('close', () => {
    channel.unpipe(child.stdin)
    channel.resume()
  })
  channel.pipe(child.stdin)

  const output = new ChannelOutput(channel)
  return {
    done: Promise.all([
      ended,
      output.copy('stdout', child.stdout),
      output.copy('stderr', child.stderr),
    ]).then(([exit]) => exit),
    signal: (name) => {
      if (running) signalGroup(child.pid, name)
    },
    resize: () => {},
  }
}
