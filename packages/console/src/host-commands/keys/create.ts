import { KeyrackError } from '@keyrack/protocol'
import { readConfig } from '../../config.ts'
import { createKey, createKmsKey } from '../../create-key.ts'
import { noMoreArguments } from '../no-more-arguments.ts'

const KMS_FLAG = '--kms'

/** A master key for Consoles on a server's database, or one to rotate to. */
export async function createCommand(args: readonly string[]): Promise<number> {
  const [flag, arn, ...more] = args
  if (flag !== KMS_FLAG) noMoreArguments(args)
  noMoreArguments(more)
  if (flag === KMS_FLAG && arn === undefined) {
    throw new KeyrackError('invalid', 'say which key of AWS KMS wraps it', {
      hint: 'keyrack-console keys create --kms ARN',
    })
  }
  const { keyDir } = readConfig({ env: process.env })
  process.stdout.write(arn === undefined ? createKey(keyDir) : await createKmsKey(keyDir, arn))
  return 0
}
