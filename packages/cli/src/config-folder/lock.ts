import { createHash, randomBytes } from 'node:crypto'
import { readlinkSync, symlinkSync, unlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { codeOf } from '../error-code.ts'
import { Failure } from '../failures.ts'
import { mayRun, startOf } from '../running-process.ts'

/**
 * A lock that survives `kill -9` of its holder. It is a symbolic link whose target names the
 * holder: making one is atomic and carries its text with it, so there is never a half-written lock.
 *
 * Taking over a dead holder's lock must not remove the lock of somebody who was faster. Therefore
 * a holder's lock may be removed only by whoever holds the claim on it, a second lock named after
 * the first one's text, which is random and never comes back. Claims of the dead fall the same way.
 */
export async function withLock<T>(
  path: string,
  work: () => T | Promise<T>,
  options: { waitMs?: number; now?: () => number; held?: (holder: string) => Failure } = {},
): Promise<T> {
  const { waitMs = 10_000, now = Date.now, held = stillHeld(path, waitMs) } = options
  const holder = describeHolder()
  const deadline = now() + waitMs
  while (!tryLock(path, holder)) {
    if (now() > deadline) throw held(describeOther(path))
    await delay(5 + Math.random() * 20)
  }
  try {
    return await work()
  } finally {
    remove(path)
  }
}

/** What claims of the dead leave behind; to be removed only by who holds the lock. */
export function isClaim(name: string, lockName: string): boolean {
  return new RegExp(`^${lockName}(\\.[0-9a-f]{16})+$`).test(name)
}

function tryLock(path: string, holder: string): boolean {
  try {
    symlinkSync(holder, path)
    return true
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
  const other = readHolder(path)
  if (other === undefined || mayBeAlive(other)) return false
  const claim = `${path}.${createHash('sha256').update(other).digest('hex').slice(0, 16)}`
  if (!tryLock(claim, holder)) return false
  try {
    // Nobody else may remove this lock now, so what is read here stays true.
    if (readHolder(path) === other) remove(path)
  } finally {
    remove(claim)
  }
  return tryLock(path, holder)
}

/** `<machine>:<process>:<its start>:<random>`; the start tells a reused process number apart. */
function describeHolder(): string {
  const { pid } = process
  return [hostname(), pid, startOf(pid) ?? '', randomBytes(8).toString('hex')].join(':')
}

function mayBeAlive(holder: string): boolean {
  const [machine, pidText = '', start] = holder.split(':')
  // On a shared home folder the other machine cannot be asked.
  if (machine !== hostname() || !/^[1-9]\d*$/.test(pidText)) return true
  return mayRun(Number(pidText), start)
}

function readHolder(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    if (codeOf(error) === 'EINVAL') return 'an unknown program'
    throw error
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}

/** For a message: who holds the lock. */
function describeOther(path: string): string {
  const [machine, pid] = (readHolder(path) ?? '').split(':')
  return pid === undefined ? (machine ?? '') : `process ${pid} on ${machine}`
}

function stillHeld(path: string, waitMs: number): (holder: string) => Failure {
  return (holder) =>
    new Failure(
      `${holder} has been changing the stored keys for ${waitMs / 1000} s`,
      `try again; if no other convox is running, remove ${path}`,
    )
}
