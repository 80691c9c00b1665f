/**
 * A named moment of a roll. Tests pass a function that ends the process there, or that throws what
 * a lost reply throws; a server passes none.
 */
export type Point = (name: string) => void

export const NO_POINT: Point = () => undefined

/** Names the moments before and after a write or a network call. */
export async function between<T>(point: Point, name: string, work: () => Promise<T>): Promise<T> {
  point(`before ${name}`)
  const result = await work()
  point(`after ${name}`)
  return result
}
