type Environment = Record<string, string | undefined>

const PLAIN = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'USER', 'LOGNAME', 'SHELL', 'TERM']

/**
 * The environment of a child process: an allow-list, because what starts a server leaks more than
 * it should (npx alone adds 27 variables) and DATABASE_URL or a master key must not reach code that
 * a Rack runs. `allow` names further variables of `env`; `extra` sets values and wins.
 */
export function childEnvironment(
  env: Environment,
  allow: readonly string[] = [],
  extra: Environment = {},
): Record<string, string> {
  const wanted = new Set([...PLAIN, ...allow])
  const child: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && (wanted.has(name) || name.startsWith('LC_'))) child[name] = value
  }
  for (const [name, value] of Object.entries(extra)) {
    if (value !== undefined) child[name] = value
  }
  return child
}
