import { describe, expect, it } from 'vitest'
import { createHostCheck, hostName, isLoopbackHost } from './host-check.ts'

const NAMES = {
  host: '192.0.2.10',
  allowedHosts: ['console.internal:8443', 'Other.Example.'],
  publicUrl: 'https://keys.example.com:8443/',
}

describe('the host names a Console goes by', () => {
  const isOurs = createHostCheck(NAMES)

  it.each([
    'localhost',
    'LOCALHOST:3000',
    '127.0.0.1:3443',
    '[::1]:3443',
    '192.0.2.10',
    'console.internal',
    'console.internal:1',
    'other.example',
    'keys.example.com',
    'KEYS.example.com.:8443',
  ])('%s is one', (header) => {
    expect(isOurs(header)).toBe(true)
  })

  it.each([
    undefined,
    '',
    'evil.example',
    'localhost.evil.example',
    'evil.example:3000@localhost',
    'localhost/evil',
    'localhost#',
    'a localhost',
    '127.0.0.2',
    '192.0.2.11',
    '[::2]',
    '::1',
    'localhost:port',
    'localhost:3000:1',
  ])('%s is none', (header) => {
    expect(isOurs(header)).toBe(false)
  })

  it('an address to listen everywhere is no name', () => {
    const everywhere = createHostCheck({ host: '0.0.0.0', allowedHosts: [], publicUrl: undefined })
    expect(everywhere('0.0.0.0:3443')).toBe(false)
    const everywhere6 = createHostCheck({ host: '::', allowedHosts: [], publicUrl: undefined })
    expect(everywhere6('[::]:3443')).toBe(false)
  })

  it('an IPv6 address to listen on may be given without brackets', () => {
    const isSix = createHostCheck({ host: '2001:db8::1', allowedHosts: [], publicUrl: undefined })
    expect(isSix('[2001:db8::1]:3443')).toBe(true)
  })

  it('one name has one spelling', () => {
    expect(hostName('ExAmple.COM.:80')).toBe('example.com')
    expect(hostName('[0:0:0:0:0:0:0:1]')).toBe('[::1]')
    expect(hostName('0x7f.1')).toBe('127.0.0.1')
  })

  it('only names that cannot leave the machine are loopback', () => {
    expect(['localhost:1', '127.0.0.1', '[::1]'].every(isLoopbackHost)).toBe(true)
    expect(['localhost.example', '192.0.2.10', ''].some(isLoopbackHost)).toBe(false)
  })
})
