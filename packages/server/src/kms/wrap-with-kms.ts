import { type MasterKey, type WrappedMasterKey, wrappingContext } from '@keyrack/secrets'
import { withKms } from './kms-client.ts'

/** Has AWS KMS wrap a master key. What it answers names the key itself, also where an alias was given. */
export async function wrapWithKms(key: MasterKey, keyArn: string): Promise<WrappedMasterKey> {
  const { id, createdAt } = key
  return withKms(keyArn, 'did not wrap the master key', async (client, { EncryptCommand }) => {
    const plaintext = key.key
    const { CiphertextBlob, KeyId } = await client
      .send(
        new EncryptCommand({
          KeyId: keyArn,
          Plaintext: plaintext,
          EncryptionContext: wrappingContext(key),
        }),
      )
      .finally(() => plaintext.fill(0))
    if (CiphertextBlob === undefined || KeyId === undefined) {
      throw new Error('the answer to Encrypt has no ciphertext')
    }
    return { id, createdAt, wrappedBy: KeyId, wrapped: CiphertextBlob }
  })
}
