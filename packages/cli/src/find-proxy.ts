import { BlockList, isIP } from 'node:net'
import type { HttpProxy } from '@keyrack/protocol/client'
import { Secret } from '@keyrack/secrets/secret'
import type { Environment } from './config.ts'
import { Failure } from './failures.ts'

const LOOPBACK = /^(localhost|(.*\.)?localhost|127(\.\d{1,3}){3}|::1)$/i

/**
 * The proxy of `HTTPS_PROXY` for a host, read as the programs of Go read it, the official CLIs
 * among them: never for this machine itself, nor for what `NO_PROXY` lists. Throws when there should
 * be one and its address cannot be read; that address may hold a password, so no message quotes it.
 */
export function findProxy(
  { httpsProxy, noProxy }: Pick<Environment, 'httpsProxy' | 'noProxy'>,
  url: string,
): HttpProxy | undefined {
  if (httpsProxy === undefined || !url.startsWith('https:')) return undefined
  const { hostname, port } = new URL(url)
  const host = bare(hostname)
  if (LOOPBACK.test(host) || isExempt(noProxy, host, port || '443')) return undefined
  return readProxy(httpsProxy)
}

function readProxy(secret: Secret): HttpProxy {
  const text = secret.reveal()
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url !== undefined && /^socks/.test(url.protocol)) {
    throw new Failure('HTTPS_PROXY is a SOCKS proxy, which convox cannot use', NEXT)
  }
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.hostname === '') {
    throw new Failure('HTTPS_PROXY is not the address of a proxy', NEXT)
  }
  const tls = url.protocol === 'https:'
  const port = Number(url.port || (tls ? 443 : 80))
  const login = { user: decode(url.username), password: Secret.of(decode(url.password)) }
  const known = url.username !== '' || url.password !== ''
  return { host: bare(url.hostname), port, tls, ...(known ? { login } : {}) }
}

const NEXT = 'give it as in HTTPS_PROXY=http://proxy.example.com:3128, or unset it'

/** `example.com` is also what ends in it, `.example.com` only that; addresses, networks, ports; `*` is all. */
function isExempt(list: string, host: string, port: string): boolean {
  return list
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry !== '' && matches(entry, host.toLowerCase(), port))
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true
  const [, network = '', bits = ''] = /^([0-9a-f.:]+)\/(\d{1,3})$/.exec(entry) ?? []
  if (bits !== '') return isIn(network, Number(bits), host)
  if (isIP(bare(entry)) !== 0) return isSameAddress(bare(entry), host)
  const [, name = entry, entryPort] = /^(.+):(\d+)$/.exec(entry) ?? []
  if (entryPort !== undefined && entryPort !== port) return false
  if (isIP(bare(name)) !== 0) return isSameAddress(bare(name), host)
  const domain = name.replace(/^\*\./, '.')
  return domain.startsWith('.') ? host.endsWith(domain) : isWithin(host, domain)
}

function isWithin(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`)
}

function isSameAddress(address: string, host: string): boolean {
  return isIn(address, isIP(address) === 6 ? 128 : 32, host)
}

function isIn(network: string, bits: number, host: string): boolean {
  const [family, ofHost] = [isIP(network), isIP(host)]
  if (family === 0 || family !== ofHost || bits > (family === 6 ? 128 : 32)) return false
  const kind = family === 6 ? 'ipv6' : 'ipv4'
  const block = new BlockList()
  block.addSubnet(network, bits, kind)
  return block.check(host, kind)
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '')
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
