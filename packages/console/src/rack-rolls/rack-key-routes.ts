import { KeyrackError } from '@keyrack/protocol'
import { type Answer, answerError } from '@keyrack/protocol/client'
import {
  KeyStatus,
  RegisteredConsole,
  RetiredKey,
  StagedKey,
  UnstagedKey,
} from '@keyrack/protocol/key-resources'
import type { Secret } from '@keyrack/secrets'
import type { z } from 'zod'
import type { AddressGuard } from '../proxy/address-guard.ts'
import { rackClient } from './rack-client.ts'
import type { RackPlace } from './rack-peers.ts'

const LIMIT_MS = 15_000

/** A Rack's answer that is no success, with the status that says what kind of no it is. */
export class RackRefusal extends KeyrackError {
  readonly answered: number

  constructor(answered: number, message: string) {
    super(answered >= 500 ? 'rack-broken' : 'rack-refused', message)
    this.answered = answered
  }
}

/** Whether an error is the Rack's answer of that status, and not silence. */
export function isAnswer(error: unknown, status: number): boolean {
  return error instanceof RackRefusal && error.answered === status
}

export interface Retirement {
  roll: string
  /** SHA-256 of K1, hex. */
  keep: string
  /** The same of K0; not where it is not known any more. */
  drop?: string
  /** Milliseconds since 1970 until which K0 is accepted; 0: no longer. */
  notAfter: number
}

export interface RackKeyRoutes {
  status(): Promise<KeyStatus>
  stage(staging: { roll: string; hash: string; copy: string }): Promise<StagedKey>
  unstage(roll: string): Promise<UnstagedKey>
  retire(retirement: Retirement): Promise<RetiredKey>
  register(registration: {
    console: string
    publicKey: string
    takeOver: boolean
  }): Promise<RegisteredConsole>
}

/** What a Console says to one of our own Racks about its key, authenticated by `key`. */
export function rackKeyRoutes(guard: AddressGuard, rack: RackPlace, key: Secret): RackKeyRoutes {
  const { host } = new URL(rack.url)
  const client = rackClient(guard, rack, key)

  async function ask<T>(
    method: string,
    path: string,
    schema: z.ZodType<T>,
    form?: Record<string, string>,
  ): Promise<T> {
    const signal = AbortSignal.timeout(LIMIT_MS)
    const answer = await client.request(method, path, {
      anyStatus: true,
      signal,
      ...(form === undefined ? {} : { form }),
    })
    if (answer.status !== 200) {
      throw new RackRefusal(answer.status, `${host} answered ${answer.status}: ${said(answer)}`)
    }
    return decoded(answer, schema, host)
  }

  function said(answer: Answer): string {
    return answer.status < 400 ? 'a redirect' : answerError(answer, host).message.slice(0, 300)
  }

  return {
    status: () => ask('GET', '/system/key', KeyStatus),
    stage: (form) => ask('POST', '/system/key/stage', StagedKey, { ...form }),
    unstage: (roll) => ask('POST', '/system/key/unstage', UnstagedKey, { roll }),
    retire: ({ notAfter, ...form }) =>
      ask('POST', '/system/key/retire', RetiredKey, { ...form, not_after: String(notAfter) }),
    register: ({ console: id, publicKey, takeOver }) =>
      ask('POST', '/system/key/register', RegisteredConsole, {
        console: id,
        public_key: publicKey,
        take_over: takeOver ? '1' : '0',
      }),
  }
}

function decoded<T>(answer: Answer, schema: z.ZodType<T>, host: string): T {
  try {
    return schema.parse(JSON.parse(answer.body))
  } catch (cause) {
    throw new KeyrackError('rack-broken', `${host} gave an answer that cannot be understood`, {
      cause,
    })
  }
}
