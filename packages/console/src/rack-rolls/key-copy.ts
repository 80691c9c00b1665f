/**
 * The copy of a key that the Rack keeps for its Console: the sealed text of the row with the version
 * that it is bound to. Only the Console's master key opens it.
 */
export interface KeyCopy {
  version: number
  sealed: string
}

export function writeKeyCopy({ version, sealed }: KeyCopy): string {
  return `${version}:${sealed}`
}

/** Undefined: this is no copy of ours. */
export function readKeyCopy(text: string): KeyCopy | undefined {
  const [, version, sealed] = /^(\d{1,9}):([\x21-\x7e]{1,4000})$/.exec(text) ?? []
  return version === undefined || sealed === undefined
    ? undefined
    : { version: Number(version), sealed }
}
