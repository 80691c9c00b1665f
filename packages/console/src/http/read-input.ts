import { KeyrackError } from '@keyrack/protocol'
import type { Context } from 'hono'
import type { z } from 'zod'
import type { EdgeEnv } from './edge.ts'
import { readBody } from './read-body.ts'
import { isJson } from './same-origin.ts'

/** A request's JSON body as the schema wants it; every mistake names the field it is in. */
export async function readJson<T>(c: Context<EdgeEnv>, schema: z.ZodType<T>): Promise<T> {
  if (!isJson(c.req.header('content-type'))) {
    throw new KeyrackError('unsupported-type', 'the request body must be JSON', {
      hint: 'send it with Content-Type: application/json',
    })
  }
  const body = await readBody(c.env.incoming)
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch (cause) {
    throw new KeyrackError('invalid', 'the request body is not valid JSON', {
      field: 'body',
      cause,
    })
  }
  return parseInput(value, schema)
}

/** A form's fields. Empty ones count as left out: browsers send every field there is. */
export async function readForm(c: Context<EdgeEnv>): Promise<Map<string, string>> {
  const type = c.req.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded') {
    throw new KeyrackError('unsupported-type', 'the form was not sent as a form')
  }
  const fields = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(await readBody(c.env.incoming))) {
    if (value !== '' && !fields.has(name)) fields.set(name, value)
  }
  return fields
}

export function parseInput<T>(value: unknown, schema: z.ZodType<T>): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  if (issue === undefined) throw new TypeError('zod refused a value without saying why')
  throw invalid(issue, value)
}

function invalid(issue: z.core.$ZodIssue, value: unknown): KeyrackError {
  const field = issue.path.map(String).join('.') || 'body'
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys
    // The name came from outside: it is repeated only when it can do no harm on a terminal.
    const unknown = /^[\w-]{1,40}$/.test(key) ? key : 'body'
    return new KeyrackError('invalid', 'there is a field that is not known here', {
      field: unknown,
    })
  }
  if (issue.code === 'invalid_type' && field === 'body') {
    return new KeyrackError('invalid', 'the request body must be a JSON object', { field })
  }
  return new KeyrackError('invalid', `\`${field}\` ${problem(issue, value)}`, { field })
}

function problem(issue: z.core.$ZodIssue, value: unknown): string {
  const [name] = issue.path
  const missing = typeof value === 'object' && value !== null && !Object.hasOwn(value, name ?? '')
  if (missing) return 'is missing'
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected === 'number' ? 'must be a number' : 'must be a text'
    case 'too_big':
      return 'is too long'
    case 'custom':
      return issue.message
    default:
      return 'is not one of the values that are possible here'
  }
}
