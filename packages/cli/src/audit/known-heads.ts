import { auditHeadText, type SignedAuditHead } from '@keyrack/protocol/audit'
import { signatureFits } from '@keyrack/secrets/signing-key'
import type { ConfigFolder } from '../config-folder/config-folder.ts'
import { formatHostMap, readHostMap } from '../config-folder/host-map.ts'
import { Failure } from '../failures.ts'

/**
 * What this machine remembers of audit logs, in `~/.convox/audit`: which Console a host is
 * (`host console.example.com`), its public key (`key CONSOLE`), and the newest row of each chain that
 * was seen (`head CONSOLE CHAIN`). Whoever can write to the Console's database, and even to its keys,
 * cannot change that, so a cut or rewritten log shows here.
 */
const hostEntry = (host: string) => `host ${host}`
const keyEntry = (console: string) => `key ${console}`
const headEntry = ({ console, chain }: SignedAuditHead) => `head ${console} ${chain}`

interface Seen {
  sequence: number
  hash: string
}

/** The newest row of this chain that this machine has seen. */
export function seenHead(folder: ConfigFolder, head: SignedAuditHead): Seen | undefined {
  const entry = readHostMap(folder, 'audit').get(headEntry(head))
  const [, sequence, hash] = /^(\d{1,15}) ([0-9a-f]{64})$/.exec(entry ?? '') ?? []
  if (entry !== undefined && hash === undefined) {
    throw new Failure(
      `${folder.pathOf('audit')} is damaged: a head in it cannot be read`,
      'without it a cut log cannot be noticed; put it aside to begin anew',
    )
  }
  return hash === undefined ? undefined : { sequence: Number(sequence), hash }
}

/** The key that this machine knows the Console by, or undefined before the first contact. */
export function knownKey(folder: ConfigFolder, console: string): string | undefined {
  return readHostMap(folder, 'audit').get(keyEntry(console))
}

/** What to do where an older log is there with a reason. */
const ACCEPT =
  'an older backup may have been restored; if its server administrator says so: convox audit --accept-restored'

/** Throws unless the head is signed by that key and continues what was seen before. */
export function checkHead(folder: ConfigFolder, head: SignedAuditHead, publicKey: string): void {
  checkSignature(head, publicKey)
  checkContinues(folder, head)
}

function checkSignature(head: SignedAuditHead, publicKey: string): void {
  if (!signatureFits(publicKey, auditHeadText(head), head.signature)) {
    throw new Failure(
      'the head of this audit log is not signed by the Console that it should be from',
      `the Console ${head.console} is known by the key ${publicKey}`,
    )
  }
}

function checkContinues(folder: ConfigFolder, head: SignedAuditHead): void {
  const seen = seenHead(folder, head)
  if (seen === undefined) return
  if (head.sequence < seen.sequence) {
    throw new Failure(
      `the end of this audit log was cut off: it ends with row ${head.sequence}, but this machine has seen row ${seen.sequence}`,
      ACCEPT,
    )
  }
  if (head.sequence === seen.sequence && head.hash !== seen.hash) {
    throw new Failure(
      `this audit log was rewritten: row ${seen.sequence} is not the one that this machine has seen`,
      ACCEPT,
    )
  }
}

/**
 * For what comes from a host: it must be the Console that it was before. `restored`: somebody said that
 * its log is an older one with a reason, so what was seen of it is forgotten.
 */
export async function checkHostHead(
  folder: ConfigFolder,
  host: string,
  head: SignedAuditHead,
  restored = false,
): Promise<void> {
  const known = readHostMap(folder, 'audit')
  const console = known.get(hostEntry(host))
  if (console !== undefined && console !== head.console) {
    throw new Failure(
      `${host} is another Console than before: ${head.console} instead of ${console}`,
      `if its owner confirms that it was made anew, remove the line "${hostEntry(host)}" from ${folder.pathOf('audit')}`,
    )
  }
  checkSignature(head, known.get(keyEntry(head.console)) ?? head.public_key)
  if (!restored) checkContinues(folder, head)
  await rememberHead(folder, head, { host, restored })
}

/** Never goes back, unless it was `restored`: of two commands at once, the newer head stays. */
export async function rememberHead(
  folder: ConfigFolder,
  head: SignedAuditHead,
  { host, restored = false }: { host?: string; restored?: boolean } = {},
): Promise<void> {
  await folder.update((writer) => {
    const known = readHostMap(folder, 'audit')
    const before = formatHostMap(known)
    if (!known.has(keyEntry(head.console))) known.set(keyEntry(head.console), head.public_key)
    if (host !== undefined) known.set(hostEntry(host), head.console)
    const seen = seenHead(folder, head)
    if (restored || seen === undefined || seen.sequence < head.sequence) {
      known.set(headEntry(head), `${head.sequence} ${head.hash}`)
    }
    const after = formatHostMap(known)
    if (after !== before) writer.write('audit', after)
  })
}
