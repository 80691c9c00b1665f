import type { Context } from './context.ts'
import { Failure } from './failures.ts'

export interface SecretOrigin {
  stdin: boolean
  prompt: string
  /** What to run where there is nobody to ask. */
  command: string
}

/** Whether there will be a secret to read, said before anything else is done. */
export function requireSecretOrigin({ terminal }: Context, { stdin, command }: SecretOrigin): void {
  if (stdin || terminal.canAsk) return
  throw new Failure('there is no terminal to ask at', `pipe it in: ${command} --password-stdin`)
}

/** A secret that is typed without echo or piped in, without the line break that ends it. */
export async function readSecret({ terminal }: Context, origin: SecretOrigin): Promise<string> {
  // Somebody who types at --password-stdin should not see it either.
  const piped = origin.stdin && !(terminal.stdinIsTerminal && terminal.canAsk)
  const text = piped ? await terminal.readInput() : await terminal.askSecret(origin.prompt)
  return text.replace(/\r?\n$/, '')
}
