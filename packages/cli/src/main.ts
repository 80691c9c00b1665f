import { readEnvironment } from './config.ts'
import { describeCause } from './describe-cause.ts'
import { exitStatus } from './exit-status.ts'
import { runProgram } from './program.ts'
import { Terminal } from './terminal.ts'

const environment = readEnvironment()
const terminal = new Terminal(process, environment)

// A prompt in raw mode sees Ctrl-C as a key; everywhere else it is this signal.
process.on('SIGINT', () => process.exit(130))

let status = 0
try {
  await runProgram(process.argv.slice(2), terminal, environment)
} catch (error) {
  const ending = exitStatus(error)
  // Before the error itself: the last line is the one to read.
  if (ending.text !== undefined) for (const line of describeCause(error)) terminal.debug(line)
  if (ending.text !== undefined) terminal.error(ending.text)
  status = ending.status
}
terminal.close()
await terminal.flush()
// Not left to the event loop: a stdin that is still open must not hold a finished command.
process.exit(status)
