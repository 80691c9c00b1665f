/** Holds a folder for one process; see the implementation. */
export function lockFolder(
  _folder: string,
  _who: string,
  _variable = 'DATA_DIR',
): { release(): void } {
  throw new Error('not written yet')
}
