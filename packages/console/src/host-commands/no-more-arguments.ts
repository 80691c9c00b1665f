import { KeyrackError } from '@keyrack/protocol'

/** For commands that take none. */
export function noMoreArguments(args: readonly string[]): void {
  const [first] = args
  if (first === undefined) return
  throw new KeyrackError(
    'invalid',
    `${JSON.stringify(first.slice(0, 80))} is not understood here`,
    {
      hint: 'see: keyrack-console help',
    },
  )
}
