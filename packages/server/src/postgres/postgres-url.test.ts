import { errorText, KeyrackError } from '@keyrack/protocol'
import { Secret } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { parsePostgresUrl } from './postgres-url.ts'

const parse = (text: string) => parsePostgresUrl(Secret.of(text))

describe('DATABASE_URL', () => {
  it('is taken apart, with its escapes undone', () => {
    const server = parse('postgres://ada%40x:p%2Fw%3A%25@db.example.com:6432/con%20sole')
    expect(server).toMatchObject({
      host: 'db.example.com',
      port: 6432,
      user: 'ada@x',
      database: 'con sole',
      name: 'con sole at db.example.com:6432',
    })
    expect(server.password.reveal()).toBe('p/w:%')
    expect(parse('postgresql://ada@127.0.0.1/db').port).toBe(5432)
    expect(parse('postgres://ada@[::1]/db').host).toBe('::1')
    expect(parse('postgres://ada@localhost/db?host=/run/postgresql')).toMatchObject({
      host: '/run/postgresql',
      tls: false,
    })
  })

  it('beyond this machine is encrypted and verified unless it says otherwise', () => {
    const verified = { rejectUnauthorized: true }
    expect(parse('postgres://a:b@db.example.com/c').tls).toEqual(verified)
    expect(parse('postgres://a:b@10.0.0.1/c?sslmode=verify-full').tls).toEqual(verified)
    expect(parse('postgres://a:b@127.0.0.1/c?sslmode=verify-full').tls).toEqual(verified)
    expect(parse('postgres://a:b@10.0.0.1/c?sslmode=disable').tls).toBe(false)
    for (const local of ['127.0.0.1', 'localhost', '[::1]']) {
      expect(parse(`postgres://a:b@${local}/c`).tls).toBe(false)
    }
  })

  it.each([
    ['', 'not an address'],
    ['s3cr3t', 'not an address'],
    ['mysql://ada:s3cr3t@db/console', 'not an address'],
    ['postgres://ada:s3cr3t@db', 'no database'],
    ['postgres://:s3cr3t@db/console', 'no user'],
    ['postgres://ada:s3cr3t@/console', ''],
    ['postgres://ada:s3cr3t%zz@db/console', 'percent sign'],
    ['postgres://ada:s3cr3t@db/console?sslmode=require', 'sslmode'],
    ['postgres://ada:s3cr3t@db/console?sslmode=prefer', 'sslmode'],
    ['postgres://ada:s3cr3t@db/console?password=s3cr3t', 'parameters'],
    ['postgres://ada:s3cr3t@db/console?sslmode=disable&sslrootcert=/x', 'sslrootcert'],
    ['postgres://ada:s3cr3t@db/console?sslrootcert=/nowhere/ca.pem', 'cannot be read (ENOENT)'],
  ])('that is wrong is refused without its password: %s', (text, why) => {
    let error: unknown
    try {
      parse(text)
    } catch (caught) {
      error = caught
    }
    expect(error).toBeInstanceOf(KeyrackError)
    const said = errorText(error as KeyrackError)
    expect(said).toContain('DATABASE_URL')
    expect(said).toContain(why)
    expect(said).not.toContain('s3cr3t')
  })
})
