import { NotLoggedIn } from './failures.ts'

export type RefusedAt = { host: { name: string }; whenRefused?: string }

/** A 401 as it is shown: the server's text, and which login or what else helps. */
export function refusedKey(
  text: string,
  { host, whenRefused }: RefusedAt,
  cause?: unknown,
): NotLoggedIn {
  // A Console says the same without the host, which it does not know by the name used here.
  const said = text.replace(/; run: convox login(?= \(request|$)/, '')
  return new NotLoggedIn(said, whenRefused ?? `run: convox login ${host.name}`, cause)
}
