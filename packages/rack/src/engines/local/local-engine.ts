import type { Engine, EngineLog } from '../engine.ts'

export interface LocalEngineOptions {
  /** Where the instances live: one folder each, and the token that marks their processes. */
  folder: string
  /** How many instances run; 3 unless said otherwise. */
  count?: number
  /** Lines for the authorized_keys of an instance at its first boot, marked `keyrack:<generation>`. */
  authorizedKeys: () => Promise<string[]>
  log: EngineLog
  /** The environment that instances may see. It is filtered again here, so a mistake cannot leak. */
  childEnvironment: Readonly<Record<string, string | undefined>>
  /** True when every listener of this server and of its Console is bound to loopback. */
  loopbackOnly: boolean
  /** Shown when `loopbackOnly` is false: which listener, and which variable moves it. */
  loopbackProblem?: string
}

export function createLocalEngine(_options: LocalEngineOptions): Engine {
  throw new TypeError('not written yet')
}
