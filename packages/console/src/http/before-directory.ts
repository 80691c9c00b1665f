import { parseBasic } from '@keyrack/protocol'
import { hashApiKey, inspectApiKey } from '@keyrack/secrets'
import type { Domain } from '../context.ts'

/**
 * What a request waits for before anything looks into the directory; undefined when it needs not.
 * A key that looks right and is unknown may have been made on another Console a moment ago, so it is
 * refused only after the database was asked; a wrong checksum never gets that far.
 */
export function beforeDirectory(
  { directory, freshness }: Pick<Domain, 'directory' | 'freshness'>,
  authorization: string | undefined,
): Promise<void> | undefined {
  const lapsed = freshness.lapsed()
  if (lapsed !== undefined || !freshness.shared) return lapsed
  const keys = parseBasic(authorization)?.candidates.map((key) => key.reveal().trim()) ?? []
  const unknown = keys.filter((key) => !('problem' in inspectApiKey(key)))
  if (unknown.length === 0) return undefined
  const isKnown = (hash: string) =>
    (directory.accountByApiKeyHash(hash) ?? directory.deployKeyByHash(hash)) !== undefined
  if (unknown.some((key) => isKnown(hashApiKey(key)))) return undefined
  return freshness.newest()
}
