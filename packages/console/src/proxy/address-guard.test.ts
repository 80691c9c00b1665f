import { KeyrackError } from '@keyrack/protocol'
import { describe, expect, it } from 'vitest'
import { createAddressGuard } from './address-guard.ts'

const guard = createAddressGuard(['10.20.0.0/16', 'fd12:3456::/32'])

function allowed(address: string, local = false): boolean {
  try {
    guard.check(address, local)
    return true
  } catch (error) {
    if (error instanceof KeyrackError && error.code === 'rack-refused') return false
    throw error
  }
}

/** What the WHATWG parser makes of a host as a user may write it. */
function written(host: string): string {
  return new URL(`https://${host}/`).hostname.replace(/^\[|\]$/g, '')
}

describe('a Rack may be', () => {
  it('at public addresses and in listed private networks', () => {
    for (const address of [
      '93.184.215.14',
      '::ffff:93.184.215.14',
      '2606:2800:21f::1',
      '10.20.30.40',
      'fd12:3456::9',
    ]) {
      expect(allowed(address), address).toBe(true)
    }
  })

  it('on this machine when it is the local one, and only there', () => {
    for (const address of ['127.0.0.1', '127.9.9.9', '::1']) {
      expect(allowed(address, true), address).toBe(true)
    }
    for (const address of ['93.184.215.14', '10.20.30.40', '169.254.169.254', '0.0.0.0']) {
      expect(allowed(address, true), address).toBe(false)
    }
  })
})

describe('CWE-918 a Rack may not be', () => {
  const forbidden = [
    ...['127.0.0.1', '127.1.2.3', '::1', '0.0.0.0', '::', '169.254.169.254', 'fe80::1'],
    ...['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', 'fd00::1'],
    ...['224.0.0.1', '255.255.255.255', 'ff02::1', 'fd00:ec2::254'],
    ...['::ffff:127.0.0.1', '::ffff:7f00:1', '0:0:0:0:0:ffff:7f00:1', '::ffff:a9fe:a9fe'],
    ...['::7f00:1', '::127.0.0.1', '::ffff:0:7f00:1', '64:ff9b:1::7f00:1', '2001:0:7f00:1::1'],
    ...['fec0::1', '::ffff:5db8:d70e:1', '168.63.129.16', 'fd20:ce::254'],
    ...['::ffff:10.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::', 'fe80::1%eth0', '', 'localhost'],
  ]
  for (const address of forbidden) {
    it(`at ${address === '' ? 'nothing' : address}`, () => expect(allowed(address)).toBe(false))
  }

  it('CWE-918 behind another spelling of such an address', () => {
    for (const host of ['2130706433', '0x7f000001', '0177.0.0.1', '127.1', '[::ffff:127.0.0.1]']) {
      expect(allowed(written(host)), host).toBe(false)
    }
  })

  it('CWE-350 CWE-367 behind a name that means such an address, at the moment of connecting', async () => {
    const answer = await new Promise<unknown>((resolve) => {
      guard.lookup(false)('localhost', {}, (error, address) => resolve(error ?? address))
    })
    expect(answer).toBeInstanceOf(KeyrackError)
  })
})

describe('the lookup', () => {
  it('answers one address or all, as it is asked', async () => {
    const one = await new Promise<unknown>((resolve, reject) => {
      guard.lookup(true)('localhost', {}, (error, address) =>
        error ? reject(error) : resolve(address),
      )
    })
    expect(['127.0.0.1', '::1']).toContain(one)
    const all = await new Promise<unknown>((resolve, reject) => {
      const options = { all: true }
      guard.lookup(true)('localhost', options, (error, list) =>
        error ? reject(error) : resolve(list),
      )
    })
    expect(all).toEqual(expect.arrayContaining([expect.objectContaining({ address: one })]))
  })

  it('passes on that a name does not exist', async () => {
    const error = await new Promise<unknown>((resolve) => {
      guard.lookup(false)('no-such-name.invalid', {}, (failure) => resolve(failure))
    })
    expect(error).toMatchObject({ syscall: 'getaddrinfo' })
  })
})
