import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Health } from './health.ts'
import type { Listening } from './listen.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'

export type OperatorRoute = (
  request: IncomingMessage,
  response: ServerResponse,
) => Promise<void> | void

export interface OperatorOptions {
  port: number
  health: Health
  metrics: Metrics
  log: Logger
  /** Admin commands, by 'METHOD /path'. */
  routes?: Record<string, OperatorRoute>
  variable?: string
}

export type OperatorListener = Listening

export function openOperatorListener(_options: OperatorOptions): Promise<OperatorListener> {
  throw new Error('not written yet')
}
