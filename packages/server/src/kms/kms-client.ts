import type { KMSClient } from '@aws-sdk/client-kms'
import { KeyrackError } from '@keyrack/protocol'

/** A key, or a name for one; the region is in it, so it needs no setting. */
const ARN = /^arn:aws[a-z-]*:kms:([a-z0-9-]+):\d{12}:(?:key|alias)\/[A-Za-z0-9/_-]{1,256}$/
const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1', '[::1]'])
const ATTEMPTS = 3
const CONNECT_MS = 5_000
const ANSWER_MS = 10_000

/** Why AWS refused, by the name of its exception, and what helps. */
const HINTS: Readonly<Record<string, string>> = {
  AccessDeniedException: 'allow kms:Decrypt (and kms:Encrypt to make a key) on it to this server',
  CredentialsProviderError: 'give this server credentials of AWS: a role, or AWS_ACCESS_KEY_ID',
  DisabledException: 'enable that key again',
  ExpiredTokenException: 'renew the credentials of AWS',
  IncorrectKeyException: 'restore the file from the copy that was kept',
  InvalidCiphertextException: 'restore the file from the copy that was kept',
  KMSInvalidStateException: 'cancel its deletion, or enable it',
  NotFoundException: 'give the whole ARN of a key that exists',
  UnrecognizedClientException: 'correct the credentials of AWS',
}

/** Runs `use` with a client for the AWS region of this key. The SDK is loaded now, at nobody else's start. */
export async function withKms<T>(
  keyArn: string,
  what: string,
  use: (client: KMSClient, kms: typeof import('@aws-sdk/client-kms')) => Promise<T>,
): Promise<T> {
  const region = regionOf(keyArn)
  const kms = await import('@aws-sdk/client-kms')
  const client = new kms.KMSClient({
    region,
    maxAttempts: ATTEMPTS,
    requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: ANSWER_MS },
  })
  requireEncryption(client)
  try {
    return await use(client, kms)
  } catch (error) {
    if (error instanceof KeyrackError) throw error
    const { name } = error as Error
    throw new KeyrackError('not-ready', `AWS KMS ${what} with ${keyArn}: ${name}`, {
      hint:
        HINTS[name] ??
        `see that this server reaches AWS KMS in ${region} and that the clock is right`,
      cause: error,
    })
  } finally {
    client.destroy()
  }
}

export function regionOf(keyArn: string): string {
  const region = ARN.exec(keyArn)?.[1]
  if (region !== undefined) return region
  throw new KeyrackError('invalid', 'that is no ARN of a key of AWS KMS', {
    hint: 'it looks like arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  })
}

/** The answers of KMS hold the master key in clear. */
function requireEncryption(client: KMSClient): void {
  client.middlewareStack.add(
    (next) => (args) => {
      const { protocol, hostname } = args.request as { protocol: string; hostname: string }
      if (protocol === 'https:' || LOOPBACK.has(hostname)) return next(args)
      throw new KeyrackError(
        'invalid',
        `AWS KMS at ${hostname} would be asked without encryption`,
        {
          hint: 'give AWS_ENDPOINT_URL_KMS an https address; http only to this machine',
        },
      )
    },
    { step: 'build', name: 'requireEncryption' },
  )
}
