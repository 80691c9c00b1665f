import {
  type AuditExportStart,
  AuditExportStart as AuditExportStartShape,
  AuditRowShape,
  type ChainProblem,
  ChainVerifier,
} from '@keyrack/protocol/audit'
import { Failure } from '../failures.ts'

export interface VerifiedExport {
  start: AuditExportStart
  /** How many rows were checked. */
  rows: number
  /** Writes whose ending is not in the export: under way when it was made, or begun before it. */
  unended: number
  /** The hash of the row of interest, if it was among them. */
  hashAt: string | undefined
}

/**
 * Checks every row of an export against its neighbour and its own content, and that the last one is
 * the signed head. The signature itself is for the caller: it needs to know the key. Throws a Failure
 * that names the row and what is wrong.
 */
export async function verifyExport(
  lines: AsyncIterable<string>,
  path: string,
  rowOfInterest: (start: AuditExportStart) => number | undefined,
): Promise<VerifiedExport> {
  let sequence: number | undefined
  let start: AuditExportStart | undefined
  let verifier = new ChainVerifier()
  let rows = 0
  let hashAt: string | undefined
  const open = new Set<string>()
  for await (const line of lines) {
    if (start === undefined) {
      start = parse(AuditExportStartShape, line, () => noExport(path))
      verifier = new ChainVerifier(start.after)
      sequence = rowOfInterest(start)
      continue
    }
    const next = verifier.position.sequence + 1
    const row = parse(AuditRowShape, line, () => damagedLine(path, next))
    if (row.chain !== start.head.chain) throw broken({ sequence: next, problem: 'changed' })
    const problem = verifier.next(row)
    if (problem !== undefined) throw broken(problem)
    if (row.phase === 'started') open.add(row.event_id)
    else open.delete(row.event_id)
    if (row.sequence === sequence) hashAt = row.hash
    rows += 1
  }
  if (start === undefined) throw noExport(path)
  const { position } = verifier
  if (position.sequence < start.head.sequence) {
    throw new Failure(
      `rows ${position.sequence + 1} to ${start.head.sequence} were cut off at the end`,
    )
  }
  if (position.sequence > start.head.sequence || position.hash !== start.head.hash) {
    throw new Failure('the rows do not end with the row that the Console signed as the newest')
  }
  return { start, rows, unended: open.size, hashAt }
}

function parse<T>(
  shape: { safeParse(value: unknown): { success: true; data: T } | { success: false } },
  line: string,
  failure: () => Failure,
): T {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw failure()
  }
  const parsed = shape.safeParse(value)
  if (!parsed.success) throw failure()
  return parsed.data
}

const PROBLEMS: Record<ChainProblem['problem'], string> = {
  missing: 'is missing',
  reordered: 'is not where it belongs: another row stands there, out of turn or twice',
  changed: 'was changed: it is not what was recorded',
  unlinked: 'does not follow the row before it: rows were replaced',
}

function broken({ sequence, problem }: ChainProblem): Failure {
  return new Failure(`row ${sequence} ${PROBLEMS[problem]}`)
}

function damagedLine(path: string, sequence: number): Failure {
  return new Failure(`${path} is damaged: row ${sequence} cannot be read`)
}

function noExport(path: string): Failure {
  return new Failure(`${path} is no export of an audit log`, 'make one: convox audit export FILE')
}
