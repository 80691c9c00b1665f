import { once } from 'node:events'
import { createLogger } from '../log.ts'

// Logs as many lines as its first argument says and exits at once; with 'wait' only after its
// standard input has ended.
const [, , count = '1', mode] = process.argv
if (mode === 'wait') await once(process.stdin.resume(), 'end')
const log = createLogger({ name: 'program', human: false })
for (let n = 0; n < Number(count); n += 1) log.info({ n }, 'a line that has to arrive')
process.exit(0)
