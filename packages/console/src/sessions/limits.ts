const HOUR_MS = 60 * 60_000

/** A session ends after this long without a request (ASVS 7.3.1). */
export const IDLE_MS = 12 * HOUR_MS
/** And after this long in any case (ASVS 7.3.2). */
export const ABSOLUTE_MS = 7 * 24 * HOUR_MS
/** What came from further ahead was made while the clock was wrong; it would live too long by as much. */
export const AHEAD_MS = 5 * 60_000
/** How exactly idleness is kept: not one write per request. */
export const TOUCH_MS = 60_000

export function isOver(
  session: { created_at: number; last_used_at: number },
  now: number,
): boolean {
  return (
    now >= session.last_used_at + IDLE_MS ||
    now >= session.created_at + ABSOLUTE_MS ||
    now < session.created_at - AHEAD_MS
  )
}
