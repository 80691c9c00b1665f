import { NotLoggedIn } from './failures.ts'

/** A 401 as it is shown: the server's text, and which login helps. */
export function refusedKey(text: string, host: string, cause?: unknown): NotLoggedIn {
  // A Console says the same without the host, which it does not know by the name used here.
  const said = text.replace(/; run: convox login(?= \(request|$)/, '')
  return new NotLoggedIn(said, `run: convox login ${host}`, cause)
}
