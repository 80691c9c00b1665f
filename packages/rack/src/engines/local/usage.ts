import { readFile } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'
import { markedInstance, processIds } from './process-mark.ts'

/** What the processes of one instance use, all together. */
export interface Usage {
  processes: number
  cpu: number
  memory: number
}

interface Consumption {
  processes: number
  cpuSeconds: number
  residentBytes: number
}

/** Linux reports processor time in hundredths of a second to every program (USER_HZ, proc(5)). */
const TICKS_PER_SECOND = 100

/** Processor time from /proc/<pid>/stat: its own, and that of the children it waited for. */
export function cpuSeconds(stat: string): number {
  // The program's name may hold spaces and brackets; fields are counted after its last bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15).map(Number)
  return (utime + stime + cutime + cstime) / TICKS_PER_SECOND
}

export function residentBytes(status: string): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
}

async function readProcess(pid: number, file: string): Promise<string> {
  return readFile(`/proc/${pid}/${file}`, 'latin1').catch(() => '')
}

async function consumptionByInstance(owner: string): Promise<Map<string, Consumption>> {
  const consumption = new Map<string, Consumption>()
  await Promise.all(
    processIds().map(async (pid) => {
      const instance = markedInstance(await readProcess(pid, 'environ'), owner)
      if (instance === undefined) return
      const [stat, status] = await Promise.all([
        readProcess(pid, 'stat'),
        readProcess(pid, 'status'),
      ])
      if (stat === '') return
      const sum = consumption.get(instance) ?? { processes: 0, cpuSeconds: 0, residentBytes: 0 }
      sum.processes += 1
      sum.cpuSeconds += cpuSeconds(stat)
      sum.residentBytes += residentBytes(status)
      consumption.set(instance, sum)
    }),
  )
  return consumption
}

const SHORTEST_LOOK_MS = 250

const share = (part: number): number => Math.min(1, Math.max(0, part))

/** Reads what instances use; the processor's share is the one since the look before. */
export class UsageMeter {
  readonly #owner: string
  readonly #now: () => number
  #before = new Map<string, { cpuSeconds: number; at: number }>()
  #last: { at: number; usage: Promise<Map<string, Usage>> } | undefined

  constructor(owner: string, now: () => number = () => performance.now()) {
    this.#owner = owner
    this.#now = now
  }

  /** Looks again at most every quarter of a second: a shorter time says nothing about load. */
  read(): Promise<Map<string, Usage>> {
    const at = this.#now()
    if (this.#last === undefined || at - this.#last.at >= SHORTEST_LOOK_MS) {
      this.#last = { at, usage: this.#look() }
    }
    return this.#last.usage
  }

  async #look(): Promise<Map<string, Usage>> {
    const consumption = await consumptionByInstance(this.#owner)
    const at = this.#now()
    const usage = new Map<string, Usage>()
    const seen = new Map<string, { cpuSeconds: number; at: number }>()
    for (const [instance, { processes, cpuSeconds, residentBytes }] of consumption) {
      const before = this.#before.get(instance)
      const seconds = before === undefined ? 0 : (at - before.at) / 1000
      const used = before === undefined ? 0 : cpuSeconds - before.cpuSeconds
      usage.set(instance, {
        // The instance's own server is not something that a person runs on it.
        processes: Math.max(0, processes - 1),
        cpu: seconds > 0 ? share(used / seconds / availableParallelism()) : 0,
        memory: share(residentBytes / totalmem()),
      })
      seen.set(instance, { cpuSeconds, at })
    }
    this.#before = seen
    return usage
  }
}
