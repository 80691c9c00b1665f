import { errorText, KeyrackError } from '@keyrack/protocol'
import { lockFolder } from '../folder-lock.ts'

// Locks the folder of its first argument, says so, and stays until it is ended.
const [, , folder = ''] = process.argv
try {
  lockFolder(folder, 'Console')
  process.stdout.write('locked\n')
  setInterval(() => {}, 1000)
} catch (error) {
  if (!(error instanceof KeyrackError)) throw error
  process.stdout.write(`${error.code}: ${errorText(error)}\n`)
}
