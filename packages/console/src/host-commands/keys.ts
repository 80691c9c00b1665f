import { KeyrackError } from '@keyrack/protocol'

type KeysCommand = (args: readonly string[]) => Promise<number>

const COMMANDS: Readonly<Record<string, () => Promise<KeysCommand>>> = {
  create: async () => (await import('./keys/create.ts')).createCommand,
  rotate: async () => (await import('./keys/rotate.ts')).rotateCommand,
  status: async () => (await import('./keys/status.ts')).statusCommand,
  verify: async () => (await import('./keys/verify.ts')).verifyCommand,
  retire: async () => (await import('./keys/retire.ts')).retireCommand,
}

/** Master keys and what is sealed with them. */
export async function keysCommand([name = '', ...args]: readonly string[]): Promise<number> {
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (load !== undefined) return (await load())(args)
  throw new KeyrackError('invalid', `keys has no command ${JSON.stringify(name.slice(0, 80))}`, {
    hint: `it has: ${Object.keys(COMMANDS).join(', ')}; see: keyrack-console help`,
  })
}
