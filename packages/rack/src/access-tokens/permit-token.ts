import { KeyrackError, type Route } from '@keyrack/protocol'
import type { TokenRole } from './access-tokens.ts'

/** The text that official Racks answer and clients show (protocol.md 3). */
const REFUSED = 'you are unauthorized to access this'

/**
 * CRITICAL: what an access token is good for. Never for keys or tokens themselves; with `read` only
 * for what a reader may see, so neither for what changes something nor for what runs code. Official
 * Racks let a read token open shells, because those are asked for with GET.
 */
export function permitToken(role: TokenRole, route: Route): void {
  if (route.consoleOnly !== undefined) {
    throw new KeyrackError('forbidden', 'an access token is not good for keys or other tokens', {
      hint: 'use the key of the Rack',
    })
  }
  if (role === 'write' || route.permission === 'read') return
  throw new KeyrackError(route.permission === 'execute' ? 'forbidden' : 'unauthenticated', REFUSED)
}
