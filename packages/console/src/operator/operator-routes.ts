import type { IncomingMessage, ServerResponse } from 'node:http'
import { KeyrackError, parseBasic } from '@keyrack/protocol'
import { equalSecrets, Secret } from '@keyrack/secrets'
import type { OperatorRoute } from '@keyrack/server'
import { z } from 'zod'
import { resetPassword } from '../accounts/reset-password.ts'
import type { ConsoleContext, RequestContext } from '../context.ts'
import { readBody } from '../http/read-body.ts'
import { parseInput } from '../http/read-input.ts'
import { createKeyCommands } from './key-commands.ts'

/** Takes the parsed body (undefined for GET), answers with what becomes JSON. */
export type OperatorCommand = (body: unknown, request: RequestContext) => Promise<unknown>

export const PASSWORD_RESET = { method: 'POST', path: '/password-reset' } as const

const ResetBody = z.strictObject({
  email: z.string().max(1024),
  password: z
    .string()
    .max(16_384)
    .transform((value) => Secret.of(value)),
})

/** Commands of the host for the running server, for who can read the data folder's token. */
export function createOperatorRoutes(
  context: ConsoleContext,
  token: Secret,
): Record<string, OperatorRoute> {
  const commands: Record<string, OperatorCommand> = {
    [`${PASSWORD_RESET.method} ${PASSWORD_RESET.path}`]: async (body, request) =>
      resetPassword(context, parseInput(body, ResetBody), request),
    ...createKeyCommands(context),
  }
  return Object.fromEntries(
    Object.entries(commands).map(([route, command]): [string, OperatorRoute] => [
      route,
      async (request, response) => {
        requireToken(request, token)
        const body = request.method === 'GET' ? undefined : parsed(await readBody(request))
        const requestId = String(response.getHeader('request-id'))
        const address = request.socket.remoteAddress ?? ''
        answer(response, await command(body, { requestId, address }))
      },
    ]),
  )
}

function requireToken(request: IncomingMessage, token: Secret): void {
  const given = parseBasic(request.headers.authorization)?.candidates ?? []
  if (given.some((candidate) => equalSecrets(candidate.reveal(), token.reveal()))) return
  throw new KeyrackError('unauthenticated', 'this needs the token of the data folder', {
    hint: 'run the command as the user who owns that folder',
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new KeyrackError('invalid', 'the request body is not valid JSON', { cause })
  }
}

function answer(response: ServerResponse, value: unknown): void {
  const body = `${JSON.stringify(value)}\n`
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(body)
}
