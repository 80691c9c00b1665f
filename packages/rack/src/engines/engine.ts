import type { Duplex } from 'node:stream'

/**
 * What runs a Rack's machines. Nothing outside `engines/` asks which engine it is: differences are
 * capability flags, and one suite (`conformance.ts`) holds every engine to the same behaviour.
 */

export type InstanceStatus = 'pending' | 'running' | 'terminating'

export interface EngineInstance {
  /** `i-` and lower-case hexadecimal digits; never used again for another machine. */
  id: string
  status: InstanceStatus
  /** Milliseconds since the epoch. */
  startedAt: number
  privateIp: string
  /** Empty where a machine has no public address. */
  publicIp: string
  /** Share of the machine in use, 0 to 1; 0 where it is unknown. */
  cpu: number
  memory: number
  /** How many processes people and apps run on it, without the engine's own. */
  processes: number
  /** True when its SSH server answers now. */
  agent: boolean
}

export interface EngineCapabilities {
  /** The machines run as the server's own user on the server's machine, without isolation. */
  readonly sharesServerUser: boolean
  /** `hostKey()` knows a machine's host key from another channel than the first SSH contact. */
  readonly reportsHostKeys: boolean
  /** A machine that stops by itself is replaced by the engine within moments, not minutes. */
  readonly replacesAtOnce: boolean
  /** The most machines that `setCount` may ask for. */
  readonly maxInstances: number
}

/** What the machines have: units of 1/1024 processor, and megabytes. */
export interface EngineCapacity {
  clusterCpu: number
  clusterMemory: number
  instanceCpu: number
  instanceMemory: number
}

/** Told what became of a machine, in the engine's words; never text of the machine itself. */
export type EngineEvent = (instanceId: string, what: string) => void

export interface Engine {
  readonly name: string
  readonly capabilities: EngineCapabilities
  /** The account that SSH logs in to. */
  readonly sshUser: string
  /** Resolves when the wanted number of machines runs; known ones come back with their ids. */
  start(): Promise<void>
  /** Sorted by id. A new machine is here before its authorized keys are asked for. */
  instances(): Promise<EngineInstance[]>
  /**
   * Whether a machine of that id can be there again, though it may not be in the list now: stopped,
   * for example. Once false it stays false, and whatever opened the machine opens nothing.
   */
  exists(id: string): Promise<boolean>
  capacity(): Promise<EngineCapacity>
  /** Resolves when what is too much is gone; what is missing has been started. */
  setCount(count: number): Promise<void>
  /** Resolves when the machine is gone; its replacement is started at once. */
  terminate(id: string): Promise<void>
  /** A byte stream to the machine's SSH server. */
  dial(id: string, signal?: AbortSignal): Promise<Duplex>
  /** `ssh-ed25519 AAAA…`, or undefined where `reportsHostKeys` is false. */
  hostKey(id: string): Promise<string | undefined>
  /** Stops every machine of an engine whose machines live with it; ids are kept for `start`. */
  stop(): Promise<void>
}

/** What an engine writes to; a pino logger fits. */
export interface EngineLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
