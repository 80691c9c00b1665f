/** `2027-02-21 14:00 UTC`; what is no time stays as it is. */
export function shortTime(time: string): string {
  const at = new Date(time)
  if (Number.isNaN(at.getTime())) return time
  const iso = at.toISOString()
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`
}
