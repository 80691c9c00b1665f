const DEPTH_MAX = 8

/**
 * An error and what caused it, for `--debug`: names, codes, messages, and where in the code. Only
 * that, because other fields hold what was sent, and an engine's own messages about a text quote
 * the text, which may be a key: of those no message is shown.
 */
export function describeCause(error: unknown): string[] {
  const lines: string[] = []
  for (let cause = error, depth = 0; cause instanceof Error && depth < DEPTH_MAX; depth += 1) {
    const code = 'code' in cause && typeof cause.code === 'string' ? ` ${cause.code}` : ''
    const said = isQuoting(cause) ? '' : `: ${cause.message}`
    const kind = cause.constructor.name
    lines.push(`${depth === 0 ? '' : 'because of '}${kind}${code}${said}`, ...frames(cause))
    cause = cause.cause
  }
  return lines
}

/** `Unexpected token 'k', "{"a": key"... is not valid JSON`, `Invalid URL`, and their like. */
function isQuoting(error: Error): boolean {
  return error instanceof SyntaxError || error instanceof TypeError || error instanceof RangeError
}

/** The message in front of them may have lines that look like one. */
function frames({ stack = '', name, message }: Error): string[] {
  const head = stack.indexOf(message) + message.length
  const text = stack.startsWith(name) || head > message.length ? stack.slice(head) : stack
  return text.split('\n').filter((line) => /^ {4}at \S/.test(line))
}
