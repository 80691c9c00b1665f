import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ParsedKey } from 'ssh2'
import ssh2 from 'ssh2'

export function authorizedKeysFile(home: string): string {
  return join(home, '.ssh', 'authorized_keys')
}

/**
 * Writes the first authorized_keys of an instance. A file that is there stays: which keys open an
 * instance is changed over SSH, by keyrolls, exactly as on a machine elsewhere.
 */
export async function installAuthorizedKeys(home: string, lines: string[]): Promise<void> {
  const file = authorizedKeysFile(home)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  if ((await readFile(file).catch(() => undefined)) !== undefined) return
  await writeFile(`${file}.new`, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 })
  await rename(`${file}.new`, file)
}

/**
 * The entry of authorized_keys for a public key that a client offers. The file is read at each
 * login, so a key that was removed is refused at the next one. An unreadable file opens nothing; a
 * line with options (sshd(8): `restrict`, `command=`…) opens nothing either, because this server
 * does not enforce them.
 */
export async function findAuthorizedKey(
  home: string,
  offered: Uint8Array,
): Promise<ParsedKey | undefined> {
  const content = await readFile(authorizedKeysFile(home), 'utf8').catch(() => '')
  for (const line of content.split('\n')) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue
    const key = ssh2.utils.parseKey(line.trim())
    if (!(key instanceof Error) && key.getPublicSSH().equals(offered)) return key
  }
  return undefined
}
