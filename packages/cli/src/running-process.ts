import { readFileSync } from 'node:fs'
import { codeOf } from './error-code.ts'

/** When a process started, in clock ticks since boot (proc(5), stat field 22); Linux only. */
export function startOf(pid: number): string | undefined {
  return readStat(pid)?.[19]
}

/**
 * Whether a process still runs. Its start tells a process number that was given to somebody else
 * apart; without one, as on other systems than Linux, the number alone has to do.
 */
export function mayRun(pid: number, start: string | undefined): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false
  }
  const stat = readStat(pid)
  if (stat === undefined) return true
  // A zombie has ended; only its parent has not asked how.
  return stat[0] !== 'Z' && (start === undefined || start === '' || stat[19] === start)
}

/** The fields behind the command's name, which may hold spaces and parentheses itself. */
function readStat(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}
