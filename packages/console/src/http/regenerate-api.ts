import { KeyrackError } from '@keyrack/protocol'
import { Hono, type MiddlewareHandler } from 'hono'
import { confirmPassword } from '../accounts/confirm-password.ts'
import { provePassword } from '../accounts/prove-password.ts'
import { regenerateApiKey } from '../api-keys/regenerate-api-key.ts'
import type { ConsoleContext } from '../context.ts'
import { RegenerateBody } from './api-schemas.ts'
import { type EdgeEnv, requestContext } from './edge.ts'
import { readBody } from './read-body.ts'
import { parseInput, readJson } from './read-input.ts'
import { isJson, requireOwnOrigin } from './same-origin.ts'

/**
 * `POST /api/account/api-key`. Known by key or session, or by e-mail and password: whoever lost the
 * reply has no key that works, and asks again with the same `roll`.
 */
export function createRegenerateApi(
  context: ConsoleContext,
  known: MiddlewareHandler<EdgeEnv>,
): Hono<EdgeEnv> {
  const api = new Hono<EdgeEnv>()

  api.post('/account/api-key', async (c) => {
    const request = requestContext(c.env.facts)
    const { headers } = c.env.incoming
    // Without a body it asks as it always could: by key or session, and not to be repeated.
    const bare = (await readBody(c.env.incoming)) === ''
    const byPassword =
      !bare && headers.authorization === undefined && isJson(headers['content-type'])
    if (byPassword) requireOwnOrigin(headers, c.env.facts)
    const body = byPassword ? await readJson(c, RegenerateBody) : undefined
    if (body?.email !== undefined) {
      if (body.password === undefined) {
        throw new KeyrackError('invalid', 'an e-mail address needs its password', {
          field: 'password',
        })
      }
      const proof = await provePassword(context, body.email, body.password, request)
      c.env.facts.actorId = proof.id
      const regeneration = { roll: body.roll, proof }
      const made = await regenerateApiKey(context, proof.id, request, regeneration)
      return c.json({ api_key: made.apiKey.reveal() }, made.again ? 200 : 201)
    }
    await known(c, async () => undefined)
    const { roll, password, email } =
      body ?? (bare ? parseInput({}, RegenerateBody) : await readJson(c, RegenerateBody))
    if (email !== undefined) {
      throw new KeyrackError('invalid', 'the key says already who asks', {
        field: 'email',
        hint: 'leave out either the e-mail address or the key',
      })
    }
    const { account } = c.var
    const proof =
      password === undefined
        ? undefined
        : await confirmPassword(context, account, password, request)
    const made = await regenerateApiKey(context, account.id, request, { roll, proof })
    return c.json({ api_key: made.apiKey.reveal() }, made.again ? 200 : 201)
  })

  return api
}
