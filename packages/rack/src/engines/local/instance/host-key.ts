import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { generateSshKeyPair, publicKeyOf, Secret } from '@keyrack/secrets'

export interface HostKey {
  privateKey: Secret
  /** `ssh-ed25519 AAAA…`, without a comment. */
  publicKey: string
}

function withoutComment(publicKey: string): string {
  return publicKey.split(' ').slice(0, 2).join(' ')
}

/**
 * The identity of an instance: made at its first boot and kept in its folder, as on any machine.
 * A damaged file is an error, never a reason for a new identity: clients remember the old one.
 */
export async function loadHostKey(home: string, id: string): Promise<HostKey> {
  const file = join(home, '.ssh', 'host_ed25519')
  const known = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (known !== undefined) {
    const privateKey = Secret.of(known)
    return { privateKey, publicKey: withoutComment(publicKeyOf(privateKey)) }
  }
  const pair = generateSshKeyPair(id)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(`${file}.new`, pair.privateKey.reveal(), { mode: 0o600 })
  await rename(`${file}.new`, file)
  return { privateKey: pair.privateKey, publicKey: withoutComment(pair.publicKey) }
}
