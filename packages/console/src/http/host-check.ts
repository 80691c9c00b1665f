/**
 * The names by which this server may be called. A page of another site whose DNS name is pointed
 * at us (DNS rebinding, CWE-350) arrives with that name in `Host`, so a name we were not told of is
 * refused before anything else is read.
 */
export interface HostNames {
  /** The address that TLS_PORT listens on. */
  host: string
  allowedHosts: readonly string[]
  publicUrl: string | undefined
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']
const WILDCARD: ReadonlySet<string> = new Set(['0.0.0.0', '[::]'])

export function createHostCheck(names: HostNames): (header: string | undefined) => boolean {
  const given = [names.host, ...names.allowedHosts]
  if (names.publicUrl !== undefined) given.push(new URL(names.publicUrl).host)
  const allowed = new Set(LOOPBACK)
  for (const text of given) {
    const name = hostName(text) ?? hostName(`[${text}]`)
    if (name !== undefined && !WILDCARD.has(name)) allowed.add(name)
  }
  return (header) => {
    const name = header === undefined ? undefined : hostName(header)
    return name !== undefined && allowed.has(name)
  }
}

/** True for names that cannot leave this machine, where plain http is as good as TLS. */
export function isLoopbackHost(header: string): boolean {
  const name = hostName(header)
  return name !== undefined && LOOPBACK.includes(name)
}

const HOST = /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/

/** The name in a `Host` value: lower case, without port and final dot; undefined when malformed. */
export function hostName(header: string): string | undefined {
  const [, name] = HOST.exec(header) ?? []
  if (name === undefined) return undefined
  try {
    const { hostname } = new URL(`http://${name}`)
    return hostname.endsWith('.') ? hostname.slice(0, -1) : hostname
  } catch {
    return undefined
  }
}
