const LEVEL_WIDTH = 5

// C0 and C1 controls, DEL, the Unicode line ends and the direction marks: what can forge a line or
// drive a terminal (CWE-117, CWE-150).
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for.
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

const LEFT_OUT = new Set(['time', 'level', 'msg', 'name', 'pid', 'err'])

/** A JSON log line as a short line for a person: time, level, message, then name=value. */
export function humanLine(json: string): string {
  let fields: Record<string, unknown>
  try {
    fields = JSON.parse(json)
  } catch {
    return `${safe(json.trimEnd())}\n`
  }
  const time = typeof fields.time === 'string' ? fields.time.slice(11, 19) : ''
  const level = String(fields.level ?? '').padEnd(LEVEL_WIDTH)
  const parts = [time, level, safe(String(fields.msg ?? ''))]
  for (const [name, value] of Object.entries(fields)) {
    if (!LEFT_OUT.has(name)) parts.push(`${safe(name)}=${shown(value)}`)
  }
  return `${parts.join(' ')}\n${errorLines(fields.err)}`
}

function shown(value: unknown): string {
  if (typeof value === 'string' && /^[^\s"=]+$/.test(value)) return safe(value)
  return safe(JSON.stringify(value) ?? '')
}

function errorLines(err: unknown): string {
  if (typeof err !== 'object' || err === null) return ''
  const { stack, message, causes } = err as Record<string, unknown>
  const lines = String(stack || message || '').split('\n')
  if (Array.isArray(causes)) lines.push(...causes.map((cause) => `caused by: ${cause}`))
  return lines.map((line) => `    ${safe(line.trim())}\n`).join('')
}

function safe(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.codePointAt(0) ?? 0
    return `\\u${code.toString(16).padStart(4, '0')}`
  })
}
