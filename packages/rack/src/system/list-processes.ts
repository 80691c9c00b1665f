import { totalmem } from 'node:os'
import { RACK_VERSION } from './rack-version.ts'

/** The answer of `GET /system/processes`: this Rack's one process, with the official names. */
export function listProcesses(rackName: string) {
  const { user, system } = process.cpuUsage()
  const uptime = process.uptime()
  return [
    {
      app: rackName,
      command: 'keyrack-rack',
      // The share of one processor since the start; v2 Racks give a share too.
      cpu: (user + system) / 1_000_000 / uptime,
      host: '',
      id: `web-${process.pid}`,
      image: '',
      instance: '',
      memory: process.memoryUsage.rss() / totalmem(),
      name: 'web',
      ports: [],
      release: RACK_VERSION,
      started: new Date(Date.now() - uptime * 1000).toISOString(),
      status: 'running',
    },
  ]
}
