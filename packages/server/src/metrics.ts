import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'

export interface FinishedRequest {
  /** The route's name; a request that matched none is 'unmatched'. */
  route: string
  method: string | undefined
  status: number
  seconds: number
}

export interface Metrics {
  /** For further counters of a server; never an id as a label. */
  registry: Registry
  httpRequest(request: FinishedRequest): void
  contentType: string
  text(): Promise<string>
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

// A name out of the route table ('instances.list'). A path would make a label per app and release.
const ROUTE_NAME = /^[a-z][A-Za-z0-9._-]{0,63}$/

/** Prometheus metrics of one server: the process's own, and requests by route name. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const total = new Counter({
    name: 'http_requests_total',
    help: 'Requests answered, by route name, method and status',
    labelNames: ['route', 'method', 'status'],
    registers: [registry],
  })
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the request to the end of its answer, by route name',
    labelNames: ['route'],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60],
    registers: [registry],
  })
  return {
    registry,
    httpRequest({ route, method, status, seconds }) {
      const name = ROUTE_NAME.test(route) ? route : 'unmatched'
      // A client may send any word as a method, and any number of them.
      const word = method !== undefined && METHODS.has(method) ? method : 'other'
      total.inc({ route: name, method: word, status: String(status) })
      duration.observe({ route: name }, seconds)
    },
    contentType: registry.contentType,
    text: () => registry.metrics(),
  }
}
