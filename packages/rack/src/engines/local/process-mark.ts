import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * Every process of an instance carries two variables in its environment: which instance it belongs
 * to, and the random token of the data folder that owns the instance. Children inherit them, also
 * through setsid and nohup, so what an instance started can be found after the instance itself was
 * killed. The token keeps two data folders on one machine away from each other's processes.
 *
 * The mark is read from /proc, so elsewhere than on Linux nothing is found: there only the process
 * groups end, with the instance that started them. A process that cleared its own environment is
 * not found either; it is on its own once its instance was killed.
 */
export interface ProcessMark {
  owner: string
  /** All instances of the owner when absent. */
  instance?: string
}

export const OWNER_VARIABLE = 'KEYRACK_OWNER'
export const INSTANCE_VARIABLE = 'KEYRACK_INSTANCE'

export function markVariables(mark: Required<ProcessMark>): Record<string, string> {
  return { [INSTANCE_VARIABLE]: mark.instance, [OWNER_VARIABLE]: mark.owner }
}

/** The instance whose mark is in an environment block (`NAME=value`, each ended by NUL). */
export function markedInstance(environment: string, owner: string): string | undefined {
  const entries = environment.split('\0')
  if (!entries.includes(`${OWNER_VARIABLE}=${owner}`)) return undefined
  const prefix = `${INSTANCE_VARIABLE}=`
  return entries.find((entry) => entry.startsWith(prefix))?.slice(prefix.length)
}

/** Process ids on this machine; none where there is no /proc. */
export function processIds(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
  } catch {
    return []
  }
}

function read(pid: number, file: 'environ' | 'cmdline'): string {
  return readFileSync(`/proc/${pid}/${file}`, 'latin1')
}

type Answer = 'marked' | 'other' | 'unclear'

/**
 * Whether a process carries the mark now. For a moment in the middle of execve(2) a process shows
 * neither environment nor arguments; so do kernel threads and zombies, which have no program.
 */
function askProcess(pid: number, mark: ProcessMark): Answer {
  try {
    let environment = read(pid, 'environ')
    if (environment === '') {
      if (read(pid, 'cmdline') === '') {
        readlinkSync(`/proc/${pid}/exe`)
        return 'unclear'
      }
      environment = read(pid, 'environ') // The program was exchanged between the two reads.
    }
    const instance = markedInstance(environment, mark.owner)
    if (instance === undefined) return 'other'
    return mark.instance === undefined || mark.instance === instance ? 'marked' : 'other'
  } catch {
    return 'other' // It ended meanwhile, has no program, or belongs to another user: not ours.
  }
}

/**
 * Sends a signal to every marked process. The mark is read in the same breath as the signal is
 * sent, so that a process id which the kernel gave to a stranger meanwhile is left alone.
 */
function signalMarked(
  mark: ProcessMark,
  signal: NodeJS.Signals | 0,
): { marked: number; unclear: number } {
  const found = { marked: 0, unclear: 0 }
  for (const pid of processIds()) {
    if (pid === process.pid) continue
    const answer = askProcess(pid, mark)
    if (answer === 'other') continue
    found[answer] += 1
    if (answer === 'unclear') continue
    try {
      process.kill(pid, signal)
    } catch {
      // It ended between the two lines.
    }
  }
  return found
}

const BETWEEN_LOOKS_MS = 10
/** SIGKILL cannot be refused, but a process that waits for a disk or a dead mount ends later. */
const KILL_MS = 5_000
/** How long a process may stay unclear before it is taken for a stranger. */
const UNCLEAR_MS = 500

/**
 * Ends every marked process except the caller: politely for `graceMs` (SIGHUP as well, because an
 * interactive shell ignores SIGTERM), then with SIGKILL until two looks in a row find none. One look
 * is not enough: a process may start another one, behind the look, and end by itself before it is
 * looked at. Returns how many processes would not end.
 */
export async function endMarkedProcesses(mark: ProcessMark, graceMs: number): Promise<number> {
  if (graceMs > 0 && signalMarked(mark, 'SIGTERM').marked > 0) {
    signalMarked(mark, 'SIGHUP')
    const deadline = performance.now() + graceMs
    const remain = () => signalMarked(mark, 0).marked > 0
    while (performance.now() < deadline && remain()) await delay(BETWEEN_LOOKS_MS)
  }
  const began = performance.now()
  for (let quietLooks = 0; ; ) {
    const { marked, unclear } = signalMarked(mark, 'SIGKILL')
    const waited = performance.now() - began
    const quiet = marked === 0 && (unclear === 0 || waited > UNCLEAR_MS)
    quietLooks = quiet ? quietLooks + 1 : 0
    if (quietLooks === 2 || waited > KILL_MS) return marked
    await delay(BETWEEN_LOOKS_MS)
  }
}
