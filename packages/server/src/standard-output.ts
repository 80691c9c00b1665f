import { writeSync } from 'node:fs'
import type { LogDestination } from './log.ts'

/** How long a reader that is behind is given before it is offered the rest. */
const BEHIND_MS = 10

/**
 * Standard output for a log: a line is written whole and at once, so that the last one before an exit
 * or a crash is there. What cannot be written (a full disk, a reader that went away) is lost, and the
 * server goes on. pino's own destination keeps such lines in memory, and after a `fatal` line it
 * tries for ever to write them (sonic-boom 4, `flushSync`).
 */
export function standardOutput(): LogDestination {
  const clock = new Int32Array(new SharedArrayBuffer(4))
  return {
    write(line) {
      const bytes = Buffer.from(line, 'utf8')
      for (let done = 0; done < bytes.length; ) {
        try {
          done += writeSync(1, bytes, done)
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return
          Atomics.wait(clock, 0, 0, BEHIND_MS)
        }
      }
    },
  }
}
