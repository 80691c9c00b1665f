import { KeyrackError } from '@keyrack/protocol'

export interface TerminalSize {
  rows: number
  columns: number
}

const ROWS = 24
const COLUMNS = 80
const LARGEST = 10_000

/**
 * The size in the `Height` and `Width` headers. Official CLIs send them only with a terminal, so
 * no `Height` means that no pty is wanted (protocol.md 7.4).
 */
export function terminalSize(
  height: string | undefined,
  width: string | undefined,
): TerminalSize | undefined {
  if (height === undefined) return undefined
  return { rows: size('Height', height, ROWS), columns: size('Width', width ?? '0', COLUMNS) }
}

function size(header: string, text: string, unknown: number): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(number <= LARGEST)) {
    throw new KeyrackError('invalid', `the header ${header} must be a number of characters`, {
      field: header,
    })
  }
  // Terminals that do not know their size say 0.
  return number === 0 ? unknown : number
}
