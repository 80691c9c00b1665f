import { KeyrackError } from '@keyrack/protocol'
import { parsePin } from '@keyrack/protocol/client'
import type { AddressGuard } from '../proxy/address-guard.ts'
import { certificateAt } from './ask-rack.ts'
import type { RackAddress } from './rack-address.ts'

/**
 * The pin that all requests to a Rack have to find; empty where a certificate authority vouches for
 * it. A certificate that nobody vouches for is answered with its fingerprint: a person compares it.
 */
export async function choosePin(
  guard: AddressGuard,
  address: RackAddress,
  given: string | undefined,
): Promise<string> {
  const pin = given === undefined ? undefined : parsePin(given)
  const { fingerprint, keyFingerprint, trusted } = await certificateAt(guard, address)
  const { host } = new URL(address.url)
  if (pin !== undefined) {
    if (pin === fingerprint || pin === keyFingerprint) return pin
    throw new KeyrackError(
      'conflict',
      `${host} shows another certificate (SHA-256 ${fingerprint}) than the one you gave; nothing was sent to it`,
      { field: 'fingerprint', hint: 'compare both with what the Rack printed when it started' },
    )
  }
  if (trusted) return ''
  throw new KeyrackError(
    'conflict',
    `no certificate authority vouches for ${host}; its certificate has the fingerprint SHA-256 ${fingerprint}`,
    {
      field: 'fingerprint',
      fingerprint,
      hint: 'compare it with what the Rack printed when it started, then give it as the fingerprint',
    },
  )
}
