import { KeyrackError } from '@keyrack/protocol'

/** Why the local engine does not start: whoever reaches the server could run code as its user. */
export function notLoopback(problem: string | undefined): KeyrackError {
  const reason = problem === undefined ? '' : `: ${problem}`
  return new KeyrackError(
    'invalid',
    `the local engine runs commands as this server's own user, so it does not start while the server can be reached from other machines${reason}`,
    { hint: 'set HOST to 127.0.0.1' },
  )
}
