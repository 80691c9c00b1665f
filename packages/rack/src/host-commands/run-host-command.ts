import { errorText, KeyrackError } from '@keyrack/protocol'
import { resetKeyCommand } from './reset-key.ts'

const HELP = `keyrack-rack             runs the Rack
keyrack-rack reset-key   gives the stopped Rack another key: the one whose SHA-256 is RACK_KEY_HASH

Both read DATA_DIR and RACK_NAME. For a Rack of convox install: convox rack reset-key NAME.
`

/** sysexits.h, EX_TEMPFAIL: the folder is in use, and may not be in a moment. */
const NOT_NOW = 75

/** What was typed behind the name of the program; the answer is its exit status. */
export async function runHostCommand(words: readonly string[]): Promise<number> {
  const [word = '', ...more] = words
  if (/^(-h|--help|help)$/.test(word)) {
    process.stdout.write(HELP)
    return 0
  }
  if (word !== 'reset-key' || more.length > 0) {
    const typed = JSON.stringify(words.join(' ').slice(0, 60))
    process.stderr.write(`ERROR: there is no command ${typed}; see: keyrack-rack help\n`)
    return 2
  }
  try {
    await resetKeyCommand()
    return 0
  } catch (error) {
    if (!(error instanceof KeyrackError)) throw error
    process.stderr.write(`ERROR: ${errorText(error)}\n`)
    return error.code === 'conflict' ? NOT_NOW : 1
  }
}
