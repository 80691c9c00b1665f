/**
 * Real programs that some tests need and that not every machine has. Before the run the absent ones
 * are named, and tests that need them are reported as skipped; `REQUIRE=chromium,ssh` (as CI sets
 * it) makes their absence a failure instead.
 */
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const PARTS: Record<string, string> = {
  bash: 'completion in bash',
  chromium: 'the pages in a real browser',
  fish: 'completion in fish',
  nginx: 'the Console behind nginx',
  openssl: 'our certificates read by OpenSSL',
  postgres: 'the Console and its store on PostgreSQL',
  ssh: 'instances reached by the OpenSSH client',
  'ssh-keygen': 'our SSH keys read by OpenSSH',
  zsh: 'completion in zsh',
}

export function isInstalled(program: string): boolean {
  // Debian keeps PostgreSQL's programs off PATH, several versions side by side.
  if (program === 'postgres') return existsSync('/usr/lib/postgresql')
  // Debian keeps servers where PATH of an ordinary user does not look.
  return [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'].some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

export function setup(): void {
  const absent = Object.keys(PARTS).filter((program) => !isInstalled(program))
  const required = (process.env.REQUIRE ?? '').split(',').filter((name) => name !== '')
  const unknown = required.filter((name) => !Object.hasOwn(PARTS, name))
  if (unknown.length > 0) throw new Error(`REQUIRE names unknown parts: ${unknown.join(', ')}`)
  const missing = required.filter((name) => absent.includes(name))
  if (missing.length > 0) throw new Error(`required but not installed: ${missing.join(', ')}`)
  for (const name of absent) {
    process.stderr.write(`not installed, so not tested: ${name} (${PARTS[name]})\n`)
  }
}
