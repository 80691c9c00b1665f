import type { ClockSource } from '../rack-keys/seen-clock.ts'

/** A machine's two clocks, which stand still until a test moves them. */
export class TestClock implements ClockSource {
  wall = Date.UTC(2026, 0, 1)
  elapsed = 0

  readonly now = (): number => this.wall
  readonly monotonic = (): number => this.elapsed

  /** Time goes by. */
  pass(ms: number): void {
    this.wall += ms
    this.elapsed += ms
  }

  /** Somebody sets the clock, forward or back. */
  set(ms: number): void {
    this.wall += ms
  }
}
