import { describe, expect, it } from 'vitest'
import { describeCause } from './describe-cause.ts'
import { Failure } from './failures.ts'
import { atRack, KEY, logIn, newConsole, newPerson } from './testing/person.ts'

const answerWithId = () => ({
  status: 404,
  body: { error: 'there is no such thing' },
  headers: { 'Request-Id': 'abc123' },
})

describe('--debug', () => {
  it.each([
    [['rack', 'ps', '--debug'], {}],
    [['--debug', 'rack', 'ps'], {}],
    [['rack', 'ps'], { CONVOX_DEBUG: '1' }],
  ])('shows each request on stderr, and what is behind an error: %j %j', async (args, env) => {
    const { ann, server } = await atRack({
      answer: ({ path }) => (path === '/system/processes' ? answerWithId() : undefined),
    })
    const ran = await ann.run(args, { env })
    expect([ran.status, ran.stdout]).toEqual([1, ''])
    const lines = ran.stderr.trimEnd().split('\n')
    const url = `https://${server.host}/system/processes`
    expect(lines[0]).toMatch(/^DEBUG: GET /)
    expect(lines[0]?.replace(/ \d+ ms/, ' N ms')).toBe(`DEBUG: GET ${url} 404 N ms request abc123`)
    expect(lines[1]).toMatch(/^DEBUG: KeyrackError not-found: there is no such thing/)
    expect(lines[2]).toMatch(/^DEBUG: at .*answer-error\.js:\d+/)
    expect(lines.at(-1)).toBe('ERROR: there is no such thing (request abc123)')
    const quiet = await ann.run(['rack', 'ps'])
    expect(quiet.stderr).toBe('ERROR: there is no such thing (request abc123)\n')
  })

  it('shows the requests of streams, and what was behind a connection that failed', async () => {
    const { ann, server } = await atRack({ socket: (ws) => ws.terminate() })
    const logs = await ann.run(['rack', 'logs', '--debug'])
    expect(logs.stderr).toMatch(/^DEBUG: GET https:\/\/localhost:\d+\/system\/logs 101 \d+ ms\n/)
    await server.close()
    const down = await ann.run(['racks', '--debug'])
    expect(down.stderr).toMatch(/^DEBUG: GET https:\/\/localhost:\d+\/racks no answer \d+ ms\n/)
    expect(down.stderr).toMatch(/DEBUG: because of \w*Error ECONNREFUSED: /)
  })

  it('shows no key and no header, whatever fails', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    await logIn(ann, server)
    const secrets = [KEY, KEY.slice(0, 8), btoa(`convox:${KEY}`), btoa(`jwt:${KEY}`), 'Basic']
    const url = `https://jwt:${KEY}@${server.host}`
    const lines: [string[], Record<string, string>][] = [
      [['racks'], {}],
      [['auth'], {}],
      [['instances'], { RACK_URL: url }],
      [['instances'], { RACK_URL: `https://x:${KEY}@` }],
      [['login', `https://x:${KEY}@example.com`], {}],
      [['login', server.host, '-p', KEY], { CONVOX_PASSWORD: 'another' }],
    ]
    for (const [args, env] of lines) {
      const { stderr } = await ann.run([...args, '--debug'], { env })
      for (const secret of secrets) expect(stderr).not.toContain(secret)
    }
    // The engine's own message about a damaged file would quote it.
    ann.store('auth', `{"${server.host}": ${KEY}`)
    const damaged = await ann.run(['racks', '--debug'])
    expect(damaged.stderr).toContain('is damaged')
    for (const secret of secrets) expect(damaged.stderr).not.toContain(secret)
  })
})

describe('the causes of an error', () => {
  it('are told from the outside to the inside, with messages but where those quote', () => {
    let quoting: unknown
    try {
      JSON.parse('{"a": secret-key}')
    } catch (error) {
      quoting = error
    }
    const refused = Object.assign(new Error('connect failed'), { code: 'ECONNREFUSED' })
    const whole = new Failure(
      'outer\n    at no frame',
      'next',
      new Error('middle', { cause: quoting }),
    )
    const lines = describeCause(whole)
    expect(lines.filter((line) => !line.startsWith('    at '))).toEqual([
      'Failure: outer\n    at no frame',
      'because of Error: middle',
      'because of SyntaxError',
    ])
    expect(lines.join('\n')).not.toContain('secret')
    expect(lines.filter((line) => line.startsWith('    at ')).length).toBeGreaterThan(2)
    expect(describeCause(refused)[0]).toBe('Error ECONNREFUSED: connect failed')
  })

  it('end, also where they go round in circles or are no errors', () => {
    const round = new Error('round')
    round.cause = round
    expect(describeCause(round).filter((line) => line.includes('round')).length).toBeLessThan(20)
    expect(describeCause('text')).toEqual([])
    expect(describeCause(new Error('a', { cause: 'fingerprint' })).join('')).not.toContain('finger')
  })
})
