import type { ConsoleConfig } from '../config.ts'
import type { RequestFacts } from './edge.ts'

/**
 * The link that an inviter passes on. The code stands in the fragment, which browsers keep to
 * themselves: it reaches no server log, no proxy and no `Referer` (CWE-598).
 */
export function invitationUrl(
  config: Pick<ConsoleConfig, 'publicUrl'>,
  facts: Pick<RequestFacts, 'secure' | 'host'>,
  token: string,
): string {
  const own = `${facts.secure ? 'https' : 'http'}://${facts.host}`
  const url = new URL('/sign-up', config.publicUrl ?? own)
  url.hash = `${FRAGMENT}${token}`
  return url.href
}

const FRAGMENT = 'invitation='

/** What a person pasted into the invitation field: the code, or the whole link around it. */
export function invitationCode(pasted: string): string {
  const start = pasted.indexOf(`#${FRAGMENT}`)
  return (start < 0 ? pasted : pasted.slice(start + 1 + FRAGMENT.length)).trim()
}
