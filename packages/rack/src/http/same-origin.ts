/**
 * The rule of official Racks for WebSockets: `Origin` is absent, or its host equals `Host`
 * (protocol.md 1.6). It keeps a page of another site from opening a stream with a browser.
 */
export function sameOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return true
  const own = hostOf(`https://${host}`)
  return own !== undefined && hostOf(origin) === own
}

function hostOf(url: string): string | undefined {
  // URL lower-cases the host and drops the port that belongs to https.
  return URL.canParse(url) ? new URL(url).host || undefined : undefined
}
