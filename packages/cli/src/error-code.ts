/** The name of a failure: the system's, as `ENOENT`, or a server's, as `conflict`. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
