import { KeyrackError } from '@keyrack/protocol'
import { answerError } from '@keyrack/protocol/client'
import { AccessToken, AccessTokens } from '@keyrack/protocol/key-resources'
import { Secret } from '@keyrack/secrets'
import { z } from 'zod'
import type { AddressGuard } from '../proxy/address-guard.ts'
import { rackClient } from '../rack-rolls/rack-client.ts'
import type { RackPlace } from '../rack-rolls/rack-peers.ts'

export interface MintedToken {
  /** As the Rack names it. */
  id: string
  token: Secret
  /** Milliseconds since 1970. */
  expiresAt: number
}

export interface TokenRoutes {
  mint(role: 'read' | 'write', hours: number): Promise<MintedToken>
  list(): Promise<AccessTokens>
  /** Whether or not the Rack still had it. */
  revoke(id: string): Promise<void>
  rotate(): Promise<void>
}

const LIMIT_MS = 15_000
const Claims = z.object({ jti: z.string().regex(/^[\w-]{1,64}$/), exp: z.int().positive() })

/** What a Console says to one of our own Racks about access tokens, authenticated by its key. */
export function tokenRoutes(guard: AddressGuard, rack: RackPlace, key: Secret): TokenRoutes {
  const { host } = new URL(rack.url)
  const client = rackClient(guard, rack, key)

  async function ask(method: string, path: string, form?: Record<string, string>, also = 200) {
    const signal = AbortSignal.timeout(LIMIT_MS)
    const body = form === undefined ? {} : { form }
    const answer = await client.request(method, path, { anyStatus: true, signal, ...body })
    if (answer.status === 200 || answer.status === also) return answer
    const why = answer.status < 400 ? 'a redirect' : answerError(answer, host).message.slice(0, 300)
    const code = answer.status >= 500 ? 'rack-broken' : 'rack-refused'
    throw new KeyrackError(code, `${host} answered ${answer.status}: ${why}`)
  }

  function decoded<T>(text: string, schema: z.ZodType<T>): T {
    try {
      return schema.parse(JSON.parse(text))
    } catch {
      // Without the cause: it repeats what was read, and that may be a token.
      throw new KeyrackError('rack-broken', `${host} gave an answer that cannot be understood`)
    }
  }

  return {
    async mint(role, hours) {
      const form = { role, durationInHour: String(hours) }
      const { token } = decoded((await ask('POST', '/system/jwt/token', form)).body, AccessToken)
      const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')
      const { jti, exp } = decoded(payload, Claims)
      return { id: jti, token: Secret.of(token), expiresAt: exp * 1000 }
    },
    list: async () => decoded((await ask('GET', '/system/jwt/tokens')).body, AccessTokens),
    revoke: async (id) => void (await ask('DELETE', `/system/jwt/tokens/${id}`, undefined, 404)),
    rotate: async () => void (await ask('PUT', '/system/jwt/rotate')),
  }
}
