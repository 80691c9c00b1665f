import { describe, expect, it } from 'vitest'
import { UsageError } from './failures.ts'
import { parseHost } from './host.ts'

describe('a host as people type it', () => {
  it.each([
    ['Console.Example.COM', 'console.example.com'],
    [' localhost:3443\n', 'localhost:3443'],
    ['https://console.example.com/', 'console.example.com'],
    ['HTTPS://console.example.com:443', 'console.example.com'],
    ['127.1:3443', '127.0.0.1:3443'],
    ['::1', '[::1]'],
    ['[::1]:3443', '[::1]:3443'],
    ['bücher.example', 'xn--bcher-kva.example'],
  ])('%s is %s', (typed, name) => {
    expect(parseHost(typed)).toEqual({ name, url: `https://${name}` })
    expect(parseHost(name)).toEqual({ name, url: `https://${name}` })
  })

  it.each(['localhost:3000', 'LOCALHOST', '127.0.0.1:3000', '[::1]:3000', '2130706433'])(
    'may be plain on this machine: http://%s',
    (typed) => {
      const { name, url } = parseHost(`http://${typed}`)
      expect(name).toBe(url)
      expect(parseHost(name)).toEqual({ name, url })
    },
  )

  it.each([
    'http://console.example.com',
    'http://localhost.example.com',
    'http://127.0.0.1.example.com',
    'http://128.0.0.1',
    'ftp://localhost',
    'file:///etc/passwd',
    'javascript://x',
    '',
    ' ',
    'a b',
    'example.com/path',
    'example.com?x',
    'example.com#x',
    'good.example.com\\@evil.example.com',
    'user@example.com',
    'https://convox:key@example.com',
    'exam\tple.com',
    'example.com:99999',
    'example.com:0',
    'https:localhost',
    '--password',
  ])('refuses %j', (typed) => {
    expect(() => parseHost(typed)).toThrow(UsageError)
  })

  it('shows neither a key nor a whole book', () => {
    const message = (typed: string): string => {
      try {
        return parseHost(typed).name
      } catch (error) {
        return String(error)
      }
    }
    expect(message('https://convox:hunter2@example.com')).not.toContain('hunter2')
    expect(message(`${'x y'.repeat(1000)}`).length).toBeLessThan(200)
  })
})
