import { Secret } from '@keyrack/secrets'

const HIDDEN = '[secret]'
const DEPTH_MAX = 8
const LIST_MAX = 200
const CAUSES_MAX = 5

// Compared without case and separators, so that apiKey, api_key and API-Key are one name.
const SECRET_NAMES = new Set([
  'accesstoken',
  'apikey',
  'auth',
  'authorization',
  'clientsecret',
  'cookie',
  'credential',
  'credentials',
  'databaseurl',
  'masterkey',
  'newpassword',
  'passphrase',
  'passwd',
  'password',
  'privatekey',
  'proxyauthorization',
  'pwd',
  'rackkey',
  'recoverycodes',
  'refreshtoken',
  'sealed',
  'sealedkey',
  'secret',
  'secretkey',
  'session',
  'sessionid',
  'setcookie',
  'setuptoken',
  'sshkey',
  'token',
  'totp',
  'xapikey',
])

// Text that is a secret wherever it stands: our keys, the line of a master key file, a credential
// header, the user part of a URL, a private key in PEM.
const SECRET_TEXTS: ReadonlyArray<readonly [RegExp, string]> = [
  [/\bcvx([udr])_[A-Za-z0-9]{6,}/g, `cvx$1_${HIDDEN}`],
  [/\bkrm1\.[A-Za-z0-9._-]{6,}/g, HIDDEN],
  [/\b(Basic|Bearer)\s+[A-Za-z0-9+/=._~-]{6,}/gi, `$1 ${HIDDEN}`],
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/?#@]+@/gi, `$1${HIDDEN}@`],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, HIDDEN],
]

/**
 * A copy of a value that may be logged. Secrets are hidden by type first, then by the name of their
 * field at any depth, then by what they look like; the later two catch a mistake made elsewhere.
 */
export function censor(value: unknown): unknown {
  return copy(value, 0, new Set())
}

function copy(value: unknown, depth: number, above: Set<object>): unknown {
  if (typeof value === 'string') return censorText(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Secret) return HIDDEN
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (above.has(value)) return '[circular]'
  if (depth >= DEPTH_MAX) return '[too deep]'

  above.add(value)
  try {
    if (value instanceof Error) return describe(value, depth, above)
    return copyMembers(value, depth, above)
  } finally {
    above.delete(value)
  }
}

function copyMembers(value: object, depth: number, above: Set<object>): unknown {
  if (value instanceof Map) return copy(Object.fromEntries(value), depth + 1, above)
  if (Array.isArray(value) || value instanceof Set) {
    const items = [...value]
    const kept = items.slice(0, LIST_MAX).map((item) => copy(item, depth + 1, above))
    return items.length > LIST_MAX ? [...kept, `[${items.length - LIST_MAX} more]`] : kept
  }
  const entries: Array<[string, unknown]> = []
  for (const [name, member] of Object.entries(value)) {
    entries.push([name, isSecretName(name) ? hidden(member) : copy(member, depth + 1, above)])
  }
  return Object.fromEntries(entries)
}

/** An error as its type, message, code and stack; of its causes only the messages. */
function describe(error: Error, depth: number, above: Set<object>): object {
  const causes: string[] = []
  let cause = error.cause
  while (cause !== undefined && causes.length < CAUSES_MAX) {
    causes.push(
      cause instanceof Error ? censorText(`${cause.name}: ${cause.message}`) : textOf(cause),
    )
    cause = cause instanceof Error ? cause.cause : undefined
  }
  const { code, hint } = error as { code?: unknown; hint?: unknown }
  return {
    type: error.name,
    message: censorText(error.message),
    ...(code === undefined ? {} : { code: copy(code, depth + 1, above) }),
    ...(hint === undefined ? {} : { hint: copy(hint, depth + 1, above) }),
    stack: censorText(error.stack ?? ''),
    ...(causes.length === 0 ? {} : { causes }),
  }
}

function textOf(cause: unknown): string {
  return typeof cause === 'object' ? '[object]' : censorText(String(cause))
}

/** Whether there was anything stays visible; that is often what one looks for. */
function hidden(value: unknown): unknown {
  return value === undefined || value === null || value === '' ? value : HIDDEN
}

function isSecretName(name: string): boolean {
  return SECRET_NAMES.has(name.replace(/[^A-Za-z]/g, '').toLowerCase())
}

export function censorText(text: string): string {
  return SECRET_TEXTS.reduce((shown, [pattern, mark]) => shown.replace(pattern, mark), text)
}
