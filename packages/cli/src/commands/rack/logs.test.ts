import { describe, expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import { atRack } from '../../testing/person.ts'
import { startConvox } from '../../testing/run-convox.ts'
import { SYSTEM } from '../../testing/test-server.ts'

const LINE = '2026-11-23T12:00:00Z system/instance/i-1 the instance runs\n'

function end(ws: WebSocket): void {
  ws.send(Buffer.alloc(0), { binary: true }, () => ws.terminate())
}

/** Each text in a frame of its own, then the end. */
function saying(...frames: (string | Buffer)[]) {
  return (ws: WebSocket): void => {
    for (const frame of frames) ws.send(frame, { binary: false })
    end(ws)
  }
}

describe('convox rack logs', () => {
  it('asks as official clients do, and only for what was given', async () => {
    const { ann, server } = await atRack({ socket: saying(LINE) })
    expect(await ann.run(['rack', 'logs'])).toEqual({ status: 0, stdout: LINE, stderr: '' })
    const plain = server.asked.at(-1)
    expect(plain).toMatchObject({ path: '/system/logs', headers: { prefix: 'true' } })
    for (const name of ['since', 'filter', 'follow'])
      expect(plain?.headers).not.toHaveProperty(name)
    const options = ['--since', '1h30m', '--filter', 'grüße -x', '--no-follow']
    await ann.run(['rack', 'logs', ...options])
    const { headers } = server.asked.at(-1) ?? {}
    expect(headers).toMatchObject({ rack: 'acme/dev', since: '1h30m', follow: 'false' })
    expect(Buffer.from(String(headers?.filter), 'latin1').toString()).toBe('grüße -x')
  })

  it('end where a Rack of 2018 and before hangs up, and nowhere else', async () => {
    for (const [version, said, status] of [
      ['20160630175516', LINE, 0],
      ['20160630175516', `${LINE}ERROR: no\n`, 1],
      ['20180708231845', LINE, 1],
    ] as const) {
      const { ann } = await atRack({
        answer: ({ path }) => (path === '/system' ? { body: { ...SYSTEM, version } } : undefined),
        socket: (ws) => ws.send(said, () => ws.terminate()),
      })
      const ran = await ann.run(['rack', 'logs', '--no-follow'])
      expect([said, ran.stdout, ran.status]).toEqual([said, LINE, status])
      if (said !== LINE) expect(ran.stderr).toBe('ERROR: no\n')
    }
  })

  it('shows each line when it comes, until Ctrl-C', async () => {
    const { ann, server } = await atRack({
      socket: (ws) => {
        ws.send('one\n')
        ws.on('message', () => {})
      },
    })
    const child = startConvox(['rack', 'logs'], { env: { HOME: ann.home } })
    const [first] = await new Promise<Buffer[]>((resolve) =>
      child.stdout?.once('data', (chunk: Buffer) => resolve([chunk])),
    )
    expect(String(first)).toBe('one\n')
    const exited = new Promise((resolve) => child.once('exit', (code) => resolve(code)))
    child.kill('SIGINT')
    expect(await exited).toBe(130)
    expect(server.asked.at(-1)?.path).toBe('/system/logs')
  })

  it('joins what is cut anywhere, and shows nothing that a terminal would obey', async () => {
    const text = Buffer.from('grün ☂ \u001b[2J ERR\nERRO\nERROR\n')
    const bytes = Array.from(text, (byte) => Buffer.of(byte))
    const { ann } = await atRack({ socket: saying(...bytes) })
    const { stdout } = await ann.run(['rack', 'logs'])
    expect(stdout).toBe('grün ☂ \uFFFD[2J ERR\nERRO\nERROR\n')
  })

  it('shows a last line without its end, and one that is endless', async () => {
    const endless = Array.from({ length: 200 }, () => 'x'.repeat(1000))
    const { ann } = await atRack({ socket: saying('half') })
    expect((await ann.run(['rack', 'logs'])).stdout).toBe('half\n')
    const other = await atRack({ socket: saying(...endless) })
    expect((await other.ann.run(['rack', 'logs'])).stdout.trim()).toBe(endless.join(''))
  })

  it.each([
    ['alone', []],
    ['after lines', [LINE, LINE]],
  ])('makes an error of the ERROR that comes last, %s', async (_what, before) => {
    const { ann } = await atRack({ socket: saying(...before, 'ERROR: the Rack is sto', 'pping\n') })
    expect(await ann.run(['rack', 'logs'])).toEqual({
      status: 1,
      stdout: before.join(''),
      stderr: 'ERROR: the Rack is stopping\n',
    })
  })

  it('leaves lines with ERROR alone when others follow', async () => {
    const { ann } = await atRack({ socket: saying('ERROR: x\n', 'more\n') })
    expect(await ann.run(['rack', 'logs'])).toMatchObject({ status: 0, stdout: 'ERROR: x\nmore\n' })
  })

  it('names the login when the key is not taken any more', async () => {
    const { ann, server } = await atRack({ socket: saying('ERROR: invalid authentication\n') })
    const ran = await ann.run(['rack', 'logs'])
    expect([ran.status, ran.stdout]).toEqual([4, ''])
    expect(ran.stderr).toContain(`run: convox login ${server.host}`)
  })

  it('names the request that was refused inside the stream, once', async () => {
    for (const said of ['no such Rack', 'the Rack failed, see request abc123']) {
      const { ann } = await atRack({
        socket: saying(`ERROR: ${said}\n`),
        streamHead: ['Request-Id: abc123'],
      })
      const { status, stderr } = await ann.run(['rack', 'logs'])
      expect(status).toBe(1)
      expect(stderr.match(/request abc123/g)).toHaveLength(1)
    }
    const { ann, server } = await atRack({
      socket: saying('ERROR: invalid authentication; run: convox login\n'),
      streamHead: ['Request-Id: abc123'],
    })
    expect((await ann.run(['rack', 'logs'])).stderr).toBe(
      `ERROR: invalid authentication (request abc123); run: convox login ${server.host}\n`,
    )
  })

  it('with --json is an object for each line, whatever the line holds', async () => {
    const text = [
      LINE,
      '2026-11-23T12:00:01.5Z service/web/1a2b "quoted" \u001b[2J grün\r\n',
      '  a second line of it\n',
      '\n',
      'ERROR: of a program\n',
      '2026-11-23T12:00:02Z system/x without an end',
    ].join('')
    const bytes = Array.from(Buffer.from(text), (byte) => Buffer.of(byte))
    const { ann } = await atRack({ socket: saying(...bytes) })
    const { status, stdout, stderr } = await ann.run(['rack', 'logs', '--json'])
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).not.toContain('\u001b')
    const lines = stdout.trimEnd().split('\n')
    const none = { at: null, source: null }
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { at: '2026-11-23T12:00:00Z', source: 'system/instance/i-1', message: 'the instance runs' },
      {
        at: '2026-11-23T12:00:01.5Z',
        source: 'service/web/1a2b',
        message: '"quoted" \u001b[2J grün',
      },
      { ...none, message: '  a second line of it' },
      { ...none, message: '' },
      { ...none, message: 'ERROR: of a program' },
      { at: '2026-11-23T12:00:02Z', source: 'system/x', message: 'without an end' },
    ])
  })

  it('with --json still makes an error of the ERROR that comes last', async () => {
    const { ann } = await atRack({ socket: saying(LINE, 'ERROR: the Rack is stopping\n') })
    const ran = await ann.run(['rack', 'logs', '--json'])
    expect([ran.status, ran.stdout.split('\n')]).toEqual([1, [expect.stringMatching(/^{/), '']])
    expect(ran.stderr).toBe('ERROR: the Rack is stopping\n')
  })

  it('fails when the connection is cut', async () => {
    const { ann } = await atRack({ socket: (ws) => ws.send(LINE, () => ws.terminate()) })
    const ran = await ann.run(['rack', 'logs'])
    expect([ran.status, ran.stdout]).toEqual([1, LINE])
    expect(ran.stderr).toContain('the connection was lost')
  })

  it.each([
    ['--since', 'soon'],
    ['--since', '-5m'],
    ['--since', '1d'],
    ['--since', ''],
    ['--filter', 'a\nb'],
    ['--follow'],
    ['web'],
  ])('refuses %j %j before anything is sent', async (...options) => {
    const { ann, server } = await atRack({ socket: saying(LINE) })
    const before = server.asked.length
    const ran = await ann.run(['rack', 'logs', ...options])
    expect([ran.status, ran.stdout]).toEqual([2, ''])
    expect(server.asked).toHaveLength(before)
  })
})
