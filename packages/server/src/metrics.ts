import type { Registry } from 'prom-client'

export interface Metrics {
  /** For further counters of a server; never an id as a label. */
  registry: Registry
  /** One finished request, by route name, never by path. */
  httpRequest(request: {
    route: string
    method: string | undefined
    status: number
    seconds: number
  }): void
  contentType: string
  text(): Promise<string>
}

export function createMetrics(): Metrics {
  throw new Error('not written yet')
}
