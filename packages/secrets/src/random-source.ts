/** Gives `size` fresh random bytes. Only tests pass their own: production code leaves the default. */
export type RandomSource = (size: number) => Uint8Array
