const UNITS: readonly (readonly [string, number])[] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]

/** `2 hours ago`; nothing for a time that is not set (protocol.md 0.1 item 10). */
export function relativeTime(time: string, now: () => number = Date.now): string {
  const at = Date.parse(time)
  if (Number.isNaN(at) || at <= 0) return ''
  const seconds = Math.floor((now() - at) / 1000)
  for (const [unit, length] of UNITS) {
    const count = Math.floor(seconds / length)
    if (count >= 1) return `${count} ${unit}${count === 1 ? '' : 's'} ago`
  }
  return seconds > 0 ? `${seconds} second${seconds === 1 ? '' : 's'} ago` : 'now'
}
