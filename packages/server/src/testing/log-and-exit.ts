import { once } from 'node:events'
import { createLogger } from '../log.ts'

// Logs as many lines as its first argument says and exits at once; with 'wait' only after its
// standard input has ended, with 'fatal' after a line about a mistake.
const [, , count = '1', mode] = process.argv
if (mode === 'wait') await once(process.stdin.resume(), 'end')
// As a server does before its first words; from here on the system does not wait for a slow reader.
process.stdout.on('error', () => {})
const log = createLogger({ name: 'program', human: false })
for (let n = 0; n < Number(count); n += 1) log.info({ n }, 'a line that has to arrive')
if (mode === 'fatal') log.fatal('a mistake')
process.exit(0)
