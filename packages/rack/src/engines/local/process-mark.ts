import { readdirSync, readFileSync } from 'node:fs'
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

function carriesMark(pid: number, mark: ProcessMark): boolean {
  let environment: string
  try {
    environment = readFileSync(`/proc/${pid}/environ`, 'latin1')
  } catch {
    return false // It ended meanwhile, or belongs to another user and cannot be ours.
  }
  const instance = markedInstance(environment, mark.owner)
  return instance !== undefined && (mark.instance === undefined || mark.instance === instance)
}

/**
 * Sends a signal to every marked process. The mark is read in the same breath as the signal is
 * sent, so that a process id which the kernel gave to a stranger meanwhile is left alone.
 */
function signalMarked(mark: ProcessMark, signal: NodeJS.Signals | 0): number {
  let found = 0
  for (const pid of processIds()) {
    if (pid === process.pid || !carriesMark(pid, mark)) continue
    found += 1
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

/**
 * Ends every marked process except the caller: politely for `graceMs` (SIGHUP as well, because an
 * interactive shell ignores SIGTERM), then with SIGKILL until a look finds none. It looks again
 * because a process may have started another one while it was being killed. Returns how many
 * processes would not end.
 */
export async function endMarkedProcesses(mark: ProcessMark, graceMs: number): Promise<number> {
  if (graceMs > 0 && signalMarked(mark, 'SIGTERM') > 0) {
    signalMarked(mark, 'SIGHUP')
    const deadline = performance.now() + graceMs
    while (performance.now() < deadline && signalMarked(mark, 0) > 0) await delay(BETWEEN_LOOKS_MS)
  }
  const deadline = performance.now() + KILL_MS
  let left = signalMarked(mark, 'SIGKILL')
  while (left > 0 && performance.now() < deadline) {
    await delay(BETWEEN_LOOKS_MS)
    left = signalMarked(mark, 'SIGKILL')
  }
  return left
}
