import { KeyrackError } from '@keyrack/protocol'

/** What a `PUT /system` or a parameter form asks for; undefined stays as it is. */
export interface SystemUpdate {
  count?: number
}

export interface UpdateLimits {
  /** What `type` and `version` may be said to be, since neither can be changed here. */
  type: string
  version: string
  maxInstances: number
}

const MASK = /^\*+$/
const NAME_LENGTH_MAX = 60

/**
 * Reads the form of `PUT /system` (protocol.md 5.2): `count`, `type`, `version` and `parameters`, a
 * form within the form. Gen1 sends `count=-1` and an empty `type` for what is to stay; v3 adds
 * `force`. Official Racks drop what they do not know; here it is refused by its name.
 */
export function readSystemUpdate(form: URLSearchParams, limits: UpdateLimits): SystemUpdate {
  let update: SystemUpdate = {}
  for (const [name, value] of eachOnce(form)) {
    if (name === 'count') {
      if (value !== '' && value !== '-1') update = merged(update, readCount(name, value, limits))
    } else if (name === 'type') {
      if (value !== '' && value !== limits.type) throw otherType(limits)
    } else if (name === 'version') {
      if (value !== '' && value !== limits.version) throw otherVersion(limits)
    } else if (name === 'parameters') {
      update = merged(update, readParameters(new URLSearchParams(value), limits).count)
    } else if (name !== 'force') throw unknown(name, 'count and parameters can be set')
  }
  return update
}

/** Reads a form of parameters: gen1's own request, or the inner form of `PUT /system`. */
export function readParameters(form: URLSearchParams, limits: UpdateLimits): SystemUpdate {
  let update: SystemUpdate = {}
  for (const [name, value] of eachOnce(form)) {
    if (/^password$/i.test(name)) throw rackKey()
    if (name !== 'InstanceCount') throw unknown(name, 'this Rack has InstanceCount')
    if (MASK.test(value)) throw masked(name)
    update = { count: readCount(name, value, limits) }
  }
  return update
}

/** Two values for one name would be read differently by different servers. */
function* eachOnce(form: URLSearchParams): Generator<[string, string]> {
  const seen = new Set<string>()
  for (const [name, value] of form) {
    if (seen.has(name)) throw new KeyrackError('invalid', `${shown(name)} is given twice`)
    seen.add(name)
    yield [name, value]
  }
}

function merged(update: SystemUpdate, count: number | undefined): SystemUpdate {
  if (count === undefined) return update
  if (update.count !== undefined && update.count !== count) {
    throw new KeyrackError('invalid', 'count and InstanceCount differ', {
      field: 'count',
      hint: 'give one of them',
    })
  }
  return { count }
}

function readCount(field: string, text: string, { maxInstances }: UpdateLimits): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (count >= 1 && count <= maxInstances) return count
  throw new KeyrackError(
    'invalid',
    `${field} must be a number of instances from 1 to ${maxInstances}`,
    { field },
  )
}

function unknown(name: string, hint: string): KeyrackError {
  return new KeyrackError('invalid', `there is no parameter ${shown(name)}`, { field: name, hint })
}

function masked(field: string): KeyrackError {
  return new KeyrackError('invalid', `**** stands for a hidden value of ${field}, it is none`, {
    field,
    hint: 'leave it out to keep what is there',
  })
}

/** Also for who holds the key: the routes of a roll lose nobody on the way, this one would. */
function rackKey(): KeyrackError {
  return new KeyrackError('invalid', 'the Password of a Rack is its API key, which is rolled', {
    field: 'Password',
    hint: 'run: convox rack key roll',
  })
}

function otherType({ type }: UpdateLimits): KeyrackError {
  return new KeyrackError('invalid', `the instances of this Rack are of the type ${type} only`, {
    field: 'type',
    hint: 'leave the type out',
  })
}

function otherVersion({ version }: UpdateLimits): KeyrackError {
  return new KeyrackError('invalid', `this Rack is ${version}, the version of its program`, {
    field: 'version',
    hint: 'install another version of the program and start the Rack with it',
  })
}

function shown(name: string): string {
  const printable = name.replaceAll(/[\p{Cc}\p{Cs}]/gu, '?')
  return printable.length > NAME_LENGTH_MAX
    ? `"${printable.slice(0, NAME_LENGTH_MAX)}…"`
    : `"${printable}"`
}
