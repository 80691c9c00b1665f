/**
 * Which test shows what each fault does to each part: the source of docs/fault-matrix.md, which
 * matrix.test.ts keeps equal to it. A part and its peer share a cell; it stands with the part that
 * breaks, stands still or whose answers are cut.
 */
import type { Row } from './cells/cell.ts'
import { CLOCKS } from './cells/clocks.ts'
import { DISKS } from './cells/disks.ts'
import { ENDING } from './cells/ending.ts'
import { NETWORKS } from './cells/networks.ts'

export const FAULTS = [
  'kill -9',
  'SIGTERM',
  'full disk',
  'full standard output',
  'read-only folder',
  'clock set forward or back',
  'network cut',
  'slow peer',
  'truncated answer',
] as const

export const MATRIX: Record<(typeof FAULTS)[number], Row> = {
  ...ENDING,
  ...DISKS,
  ...CLOCKS,
  ...NETWORKS,
}
