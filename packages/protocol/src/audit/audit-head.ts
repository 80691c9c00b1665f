/** The newest row of a chain at one moment, as a Console signs it. */
export interface AuditHead {
  /** The id of the installation, not of one of its servers. */
  console: string
  chain: string
  /** 0 for a chain without rows. */
  sequence: number
  hash: string
  /** When it was signed, in milliseconds since 1970. */
  at: number
}

export interface SignedAuditHead extends AuditHead {
  /** Ed25519 over `auditHeadText`, base64url. */
  signature: string
  /** The key that it is checked with: 32 bytes, base64url. Whoever checks has to know it from before. */
  public_key: string
}

/** What is signed: one line per field, none of which can hold a line break. */
export function auditHeadText(head: AuditHead): string {
  const { console, chain, sequence, hash, at } = head
  return ['keyrack-audit-head-1', console, chain, sequence, hash, at].join('\n')
}
