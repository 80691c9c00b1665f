export const PARTS = ['Console', 'Rack', 'instance', 'command line'] as const
export const MOMENTS = ['at rest', 'in the middle of a request'] as const

export type Part = (typeof PARTS)[number]
export type Moment = (typeof MOMENTS)[number]

/** A file, as it is found from the root, and the names of tests in it. */
export type Shown = readonly [file: string, ...titles: string[]]

export interface Cell {
  shownBy?: readonly Shown[]
  /** Why there can be no such fault there. */
  none?: string
  /** What is not shown. */
  open?: string
}

/** What one fault does to each part. */
export type Row = Record<Part, Record<Moment, Cell>>

export const NO_PROCESS: Cell = {
  none: 'between two commands there is no process, only its files',
}
