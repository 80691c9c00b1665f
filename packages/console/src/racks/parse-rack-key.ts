import { KeyrackError } from '@keyrack/protocol'
import { inspectApiKey, Secret } from '@keyrack/secrets'

const KEY_BYTES_MAX = 2048

/**
 * A Rack's key as it was pasted. Keys of official Racks are passwords that somebody chose, so they
 * may hold almost anything; those that begin like ours carry a checksum.
 */
export function parseRackKey(pasted: Secret): Secret {
  const text = pasted.reveal().trim()
  if (text === '') throw notKey('no key was given')
  // What official Racks show in the place of a secret (protocol.md 5.2).
  if (/^\*+$/.test(text)) throw notKey('this is the mask that is shown in the place of a key')
  if (Buffer.byteLength(text) > KEY_BYTES_MAX) throw notKey('this is much longer than any key')
  if (/\p{Cc}/u.test(text)) throw notKey('this is not one key: it has line breaks in it')
  const found = inspectApiKey(text)
  if ('kind' in found && found.kind !== 'rack') {
    throw notKey("this is a person's API key for a Console, not the key of a Rack")
  }
  if ('problem' in found && found.problem === 'checksum') {
    throw notKey('this key is cut or mistyped: its checksum does not match')
  }
  return Secret.of(text)
}

function notKey(message: string): KeyrackError {
  return new KeyrackError('invalid', message, {
    field: 'key',
    hint: 'give the key that the Rack was installed with',
  })
}
