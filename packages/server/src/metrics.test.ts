import { Counter } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { createMetrics } from './metrics.ts'

describe('metrics', () => {
  it('count requests by route name, method and status, and time them', async () => {
    const metrics = createMetrics()
    for (const seconds of [0.002, 0.3]) {
      metrics.httpRequest({ route: 'apps.list', method: 'GET', status: 200, seconds })
    }
    metrics.httpRequest({ route: 'apps.list', method: 'GET', status: 502, seconds: 1 })
    const text = await metrics.text()
    expect(text).toContain('http_requests_total{route="apps.list",method="GET",status="200"} 2')
    expect(text).toContain('http_requests_total{route="apps.list",method="GET",status="502"} 1')
    expect(text).toContain('http_request_duration_seconds_count{route="apps.list"} 3')
    expect(text).toContain('http_request_duration_seconds_bucket{le="0.005",route="apps.list"} 1')
  })

  it('never make a label out of what a client sent', async () => {
    const metrics = createMetrics()
    for (let n = 0; n < 20; n += 1) {
      metrics.httpRequest({ route: `/apps/app-${n}`, method: `WORD${n}`, status: 404, seconds: 0 })
    }
    metrics.httpRequest({ route: 'unmatched', method: undefined, status: 404, seconds: 0 })
    const lines = (await metrics.text()).split('\n').filter((line) => line.includes('unmatched'))
    expect(lines.filter((line) => line.startsWith('http_requests_total'))).toEqual([
      'http_requests_total{route="unmatched",method="other",status="404"} 21',
    ])
    expect(await metrics.text()).not.toContain('app-1')
  })

  it('of two servers in one process are apart, and take further counters', async () => {
    const [one, two] = [createMetrics(), createMetrics()]
    new Counter({ name: 'rolls_total', help: 'Rolls', registers: [one.registry] }).inc()
    expect(await one.text()).toContain('rolls_total 1')
    expect(await two.text()).not.toContain('rolls_total')
    expect(await two.text()).toContain('process_resident_memory_bytes')
    expect(one.contentType).toContain('text/plain')
  })
})
