/** What runs for a data folder, read from /proc: every process that names it or is its descendant. */
import { readdir, readFile } from 'node:fs/promises'

export interface Process {
  pid: number
  parent: number
  command: string
  environment: string
}

export async function processes(): Promise<Process[]> {
  const found: Process[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const [command, environment, stat] = await Promise.all([
        readFile(`/proc/${name}/cmdline`, 'utf8'),
        readFile(`/proc/${name}/environ`, 'utf8'),
        readFile(`/proc/${name}/stat`, 'utf8'),
      ])
      // After the last parenthesis, since a command's name may hold some: state, then parent.
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (state === 'Z') continue
      found.push({ pid: Number(name), parent: Number(parent), command, environment })
    } catch {
      // Ended while we looked.
    }
  }
  return found
}

/** Those that belong to a data folder: it is in their environment or command line. */
export async function processesOf(folder: string): Promise<Process[]> {
  const all = await processes()
  return all.filter(
    ({ pid, command, environment }) =>
      pid !== process.pid && (environment.includes(folder) || command.includes(folder)),
  )
}
