const HERE = 'http://here.invalid'

/** Where to go on after signing in: a page of this Console and nothing else (CWE-601). */
export function returnPath(asked: string | undefined): string | undefined {
  if (asked === undefined || !asked.startsWith('/') || !URL.canParse(asked, HERE)) return undefined
  // Parsed as browsers do, which read `/\host` and `/<tab>/host` as another host.
  const { origin, pathname, search } = new URL(asked, HERE)
  return origin === HERE && !pathname.startsWith('//') ? `${pathname}${search}` : undefined
}
