import { KeyrackError } from '@keyrack/protocol'
import { bodyLimit } from 'hono/body-limit'

export const BODY_BYTES_MAX = 64 * 1024

/** For JSON and forms. What is proxied to a Rack is a stream and has no limit here. */
export const limitBody = bodyLimit({
  maxSize: BODY_BYTES_MAX,
  onError: () => {
    throw new KeyrackError('too-large', 'the request body is larger than 64 KiB')
  },
})
