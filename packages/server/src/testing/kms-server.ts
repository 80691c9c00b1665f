import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

/** What the SDK sends, as far as it matters here. */
interface KmsRequest {
  KeyId?: string
  Plaintext?: string
  CiphertextBlob?: string
  EncryptionContext?: Record<string, string>
}

type Answer = Record<string, string>

export interface KmsServer {
  /** What `AWS_ENDPOINT_URL_KMS` and the rest of the environment have to be. */
  env: Record<string, string>
  keyArn: string
  /** `Encrypt` and `Decrypt` in the order in which they came. */
  asked: string[]
  /** From now on every request ends with this exception of AWS; undefined: with an answer. */
  refuseWith(exception: string | undefined): void
  stop(): Promise<void>
}

/** A server that speaks the JSON protocol of AWS KMS, with one key and an alias for it. */
export async function startKms(): Promise<KmsServer> {
  const region = 'eu-test-1'
  const keyArn = `arn:aws:kms:${region}:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab`
  const names = [keyArn, `arn:aws:kms:${region}:111122223333:alias/keyrack`]
  const secret = randomBytes(32)
  const asked: string[] = []
  let refusal: string | undefined

  function answer(operation: string, request: KmsRequest): Answer {
    if (!names.includes(request.KeyId ?? '')) return refused('NotFoundException')
    const context = Buffer.from(JSON.stringify(Object.entries(request.EncryptionContext ?? {})))
    if (operation === 'Encrypt') {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', secret, nonce).setAAD(context)
      const text = Buffer.from(request.Plaintext ?? '', 'base64')
      const sealed = Buffer.concat([nonce, cipher.update(text), cipher.final()])
      const blob = Buffer.concat([sealed, cipher.getAuthTag()]).toString('base64')
      return { CiphertextBlob: blob, KeyId: keyArn }
    }
    const blob = Buffer.from(request.CiphertextBlob ?? '', 'base64')
    try {
      const decipher = createDecipheriv('aes-256-gcm', secret, blob.subarray(0, 12))
      decipher.setAAD(context).setAuthTag(blob.subarray(-16))
      const text = Buffer.concat([decipher.update(blob.subarray(12, -16)), decipher.final()])
      return { Plaintext: text.toString('base64'), KeyId: keyArn }
    } catch {
      return refused('InvalidCiphertextException')
    }
  }

  async function respond(request: IncomingMessage): Promise<Answer> {
    const operation = String(request.headers['x-amz-target']).replace('TrentService.', '')
    const body = (await json(request)) as KmsRequest
    asked.push(operation)
    const scope = `/${region}/kms/aws4_request`
    if (!request.headers.authorization?.includes(scope)) return refused('AccessDeniedException')
    return refusal === undefined ? answer(operation, body) : refused(refusal)
  }

  const server = createServer((request, response) => {
    respond(request).then(
      (said) => {
        const status = said.__type === undefined ? 200 : 400
        response.writeHead(status, { 'Content-Type': 'application/x-amz-json-1.1' })
        response.end(JSON.stringify(said))
      },
      () => response.writeHead(500).end(),
    )
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    env: {
      AWS_ENDPOINT_URL_KMS: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      AWS_ACCESS_KEY_ID: 'AKIATESTTESTTESTTEST',
      AWS_SECRET_ACCESS_KEY: 'only for the tests',
    },
    keyArn,
    asked,
    refuseWith(exception) {
      refusal = exception
    },
    async stop() {
      server.closeAllConnections()
      await once(server.close(), 'close')
    },
  }
}

function refused(exception: string): Answer {
  return { __type: exception, message: 'said by the test' }
}
