import {
  type MasterKey,
  unwrapMasterKey,
  type WrappedMasterKey,
  wrappingContext,
} from '@keyrack/secrets'
import { withKms } from './kms-client.ts'

/** The master key, opened by AWS KMS with the key that the file names and with no other. */
export async function unwrapWithKms(key: WrappedMasterKey): Promise<MasterKey> {
  const what = `did not open the master key ${key.id}`
  return withKms(key.wrappedBy, what, async (client, { DecryptCommand }) => {
    const { Plaintext = new Uint8Array() } = await client.send(
      new DecryptCommand({
        KeyId: key.wrappedBy,
        CiphertextBlob: key.wrapped,
        EncryptionContext: wrappingContext(key),
      }),
    )
    try {
      return unwrapMasterKey(key, Plaintext)
    } finally {
      Plaintext.fill(0)
    }
  })
}
