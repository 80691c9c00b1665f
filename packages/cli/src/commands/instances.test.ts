import { describe, expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import { atRack, logIn, newConsole, newPerson } from '../testing/person.ts'
import { type Asked, INSTANCES, SYSTEM } from '../testing/test-server.ts'

const MARKER = 'F1E49A85-0AD7-4AEF-A618-C249C6E6568D:'

/** A person logged in to a Console whose instances behave as given. */
async function atInstances(socket: (ws: WebSocket, asked: Asked) => void = () => {}) {
  const server = await newConsole({}, { socket })
  const ann = newPerson()
  await logIn(ann, server)
  return { ann, server }
}

/** Output, exit code and end, framed as official Racks do. */
function finish(ws: WebSocket, output: string | Buffer, code?: number): void {
  ws.send(output, { binary: false })
  if (code !== undefined) ws.send(`${MARKER}${code}\n`)
  ws.send(Buffer.alloc(0), { binary: true }, () => ws.terminate())
}

/** Calls back with everything that was sent until the end frame. */
function untilEnd(ws: WebSocket, done: (input: Buffer) => void): void {
  const chunks: Buffer[] = []
  ws.on('message', (data: Buffer, isBinary) => {
    if (isBinary) done(Buffer.concat(chunks))
    else chunks.push(data)
  })
}

describe('convox instances', () => {
  it('shows a table for people and the list of the server for programs', async () => {
    const { ann } = await atInstances()
    const [head, row] = (await ann.run(['instances'])).stdout.split('\n')
    expect(head?.split(/ {2,}/)).toEqual([
      ...['ID', 'STATUS', 'STARTED', 'PS', 'CPU', 'MEM', 'PUBLIC', 'PRIVATE'],
    ])
    expect(row).toMatch(/^i-1 {2}running {2}\d+ days ago {2}2 {3}50\.00% {2}25\.00% +10\.0\.0\.1$/)
    expect(JSON.parse((await ann.run(['instances', '--json'])).stdout)).toEqual(INSTANCES)
  })
})

describe('convox instances terminate', () => {
  it('says OK on stderr', async () => {
    const { ann, server } = await atInstances()
    const ran = await ann.run(['instances', 'terminate', 'i-1'])
    expect(ran).toEqual({ status: 0, stdout: '', stderr: 'Terminating instance... OK\n' })
    expect(server.asked.at(-1)).toMatchObject({ method: 'DELETE', path: '/instances/i-1' })
    expect(server.asked.at(-1)?.headers.rack).toBe('acme/dev')
  })

  it('passes the text of the server on, and refuses what is another path', async () => {
    const { ann, server } = await atInstances()
    const ran = await ann.run(['instances', 'terminate', 'i-9'])
    expect(ran.status).toBe(1)
    expect(ran.stderr).toBe('Terminating instance... failed\nERROR: there is no such instance\n')
    const before = server.asked.length
    for (const id of ['..', 'i-1/../../system', 'i-1?x', '', '%2e%2e', 'i-1\n']) {
      expect((await ann.run(['instances', 'terminate', id])).status).toBe(2)
    }
    expect(server.asked).toHaveLength(before)
  })
})

describe('an instance that is not there', () => {
  it('is told with what to run next, whether it was asked for in a request or in a stream', async () => {
    const text = 'instance not found: i-9'
    const { ann } = await atRack({
      answer: ({ method }) => (method === 'DELETE' ? { status: 404, body: text } : undefined),
      socket: (ws) => finish(ws, `ERROR: ${text}\n`, 1),
    })
    for (const words of [
      ['terminate', 'i-9'],
      ['ssh', 'i-9', 'ls'],
    ]) {
      const ran = await ann.run(['instances', ...words])
      expect(ran.status).toBe(1)
      expect(ran.stderr).toContain(`ERROR: ${text}; see which there are: convox instances\n`)
    }
  })
})

describe('convox instances ssh', () => {
  it('says what to do with a command that is too long for the head of a request', async () => {
    const { ann } = await atInstances()
    const ran = await ann.run(['instances', 'ssh', 'i-1', 'x'.repeat(100_000)])
    expect([ran.status, ran.stdout]).toEqual([1, ''])
    expect(ran.stderr).toMatch(/^ERROR: this is too long for the head of a request to localhost:/)
    expect(ran.stderr).toContain('; pipe a script in instead: convox instances ssh ID sh < script')
  })

  it('runs a command: its bytes in and out, its status', async () => {
    const sent = Buffer.from(Array.from({ length: 5000 }, (_, index) => index % 256))
    const { ann, server } = await atInstances((ws) => {
      untilEnd(ws, (input) => finish(ws, `${input.equals(sent)}\n`, 7))
    })
    const args = ['instances', 'ssh', 'i-1', 'grep', '-r', 'grüße', '--', '-h']
    const ran = await ann.run(args, { stdin: sent })
    expect(ran).toEqual({ status: 7, stdout: 'true\n', stderr: '' })
    const { path, headers } = server.asked.at(-1) ?? {}
    expect(path).toBe('/instances/i-1/shell')
    expect(Buffer.from(String(headers?.command), 'latin1').toString()).toBe('grep -r grüße -- -h')
    expect(headers).toMatchObject({ rack: 'acme/dev', version: 'dev' })
    expect(headers).not.toHaveProperty('height')
  })

  it('asks a Rack of 2018 and before by the path, and for a terminal as its clients did', async () => {
    const { ann, server } = await atRack({
      answer: ({ path }) =>
        path === '/system' ? { body: { ...SYSTEM, version: '20180708231844' } } : undefined,
      socket: (ws) => {
        ws.send('hi\n')
        // This generation has no end frame.
        ws.send(`${MARKER}7\n`, () => ws.terminate())
      },
    })
    const ran = await ann.run(['instances', 'ssh', 'i-1', 'echo', 'hi'])
    expect(ran).toEqual({ status: 7, stdout: 'hi\n', stderr: '' })
    expect(server.asked.at(-1)).toMatchObject({ path: '/instances/i-1/ssh' })
    expect(server.asked.at(-1)?.headers).not.toHaveProperty('terminal')
    const size = { columns: 101, rows: 43 }
    await ann.sit(['instances', 'ssh', 'i-1'], { size }).ended
    const asked = { height: '43', width: '101', terminal: 'xterm' }
    expect(server.asked.at(-1)?.headers).toMatchObject(asked)
  })

  it('never lets a failure look like success', async () => {
    for (const code of [256, -1, 4_000_000_000]) {
      const { ann } = await atInstances((ws) => finish(ws, '', code))
      expect((await ann.run(['instances', 'ssh', 'i-1'])).status).toBe(255)
    }
  })

  it('stops quietly when nobody reads its output any more', async () => {
    const { ann } = await atInstances((ws) => {
      const more = setInterval(() => ws.send('y\n'.repeat(10_000)), 1)
      ws.on('close', () => clearInterval(more))
    })
    const { shown } = await ann.sit(['instances', 'ssh', 'i-1', 'yes'], { shell: '| head -1' })
      .ended
    expect(shown).toBe('y\r\n')
  })

  it('keeps its own options before the command and leaves the rest to it', async () => {
    const { ann, server } = await atInstances((ws) => finish(ws, '', 0))
    await ann.run([
      '-r',
      'a/1',
      'instances',
      'ssh',
      '-r',
      'a/2',
      'i-1',
      '-r',
      'a/3',
      'ls',
      '-r',
      'x',
    ])
    expect(server.asked.at(-1)?.headers).toMatchObject({ rack: 'a/3', command: 'ls -r x' })
    await ann.run(['instances', 'ssh', 'i-1', '--', '-r'])
    expect(server.asked.at(-1)?.headers).toMatchObject({ rack: 'acme/dev', command: '-r' })
    expect((await ann.run(['instances', 'ssh', 'i-1', 'a\nb'])).status).toBe(2)
  })

  it('finds the exit marker however it is cut, and leaves output alone', async () => {
    const output = Buffer.from(`F1E49A85 \u001b[31mred\u001b[0m ${MARKER.slice(0, 20)}`)
    const { ann } = await atInstances((ws) => {
      for (const byte of Buffer.from(`${output}${MARKER}130\n`))
        ws.send(Buffer.of(byte), { binary: false })
      ws.send(Buffer.alloc(0), { binary: true })
    })
    const ran = await ann.run(['instances', 'ssh', 'i-1'])
    expect(ran).toEqual({ status: 130, stdout: output.toString(), stderr: '' })
  })

  it.each([
    ['with no marker', undefined],
    ['with the marker 1', 1],
  ])('turns a refusal %s into an error on stderr', async (_name, code) => {
    const { ann } = await atInstances((ws) =>
      finish(ws, 'ERROR: no such \u001b[2Jinstance\n', code),
    )
    const ran = await ann.run(['instances', 'ssh', 'i-1'])
    expect([ran.status, ran.stdout]).toEqual([1, ''])
    expect(ran.stderr).toMatch(/^ERROR: no such .\[2Jinstance\n$/u)
  })

  it('names the request that was refused, where the head of the stream told it', async () => {
    const { ann } = await atRack({
      socket: (ws) => finish(ws, 'ERROR: no such instance\n', 1),
      streamHead: ['Request-Id: 0a1b2c3d'],
    })
    const ran = await ann.run(['instances', 'ssh', 'i-1'])
    expect([ran.status, ran.stderr]).toEqual([1, 'ERROR: no such instance (request 0a1b2c3d)\n'])
  })

  it('does not take a program that prints ERROR for a refusal', async () => {
    for (const [output, code] of [
      ['ERROR: x\nmore\n', 1],
      ['ERROR: x\n', 0],
      ['ERROR: x', 3],
    ] as const) {
      const { ann } = await atInstances((ws) => finish(ws, output, code))
      const ran = await ann.run(['instances', 'ssh', 'i-1'])
      expect(ran).toEqual({ status: code, stdout: output, stderr: '' })
    }
  })

  it('fails when the connection ends before the status', async () => {
    for (const end of [(ws: WebSocket) => finish(ws, 'half'), (ws: WebSocket) => ws.terminate()]) {
      const { ann } = await atInstances(end)
      const ran = await ann.run(['instances', 'ssh', 'i-1', 'make'])
      expect(ran.status).toBe(1)
      expect(ran.stderr).toMatch(/^ERROR: /)
    }
  })

  it('ends although its input is still open', async () => {
    const { ann } = await atInstances((ws) => finish(ws, 'done\n', 0))
    const terminal = ann.sit(['instances', 'ssh', 'i-1', 'true'])
    expect((await terminal.ended).status).toBe(0)
  })

  it('at a terminal sends its size and every key, Ctrl-C included', async () => {
    const { ann, server } = await atInstances((ws) => {
      ws.send('$ ')
      ws.on('message', (data: Buffer) => {
        if (data.equals(Buffer.from('\u0003'))) finish(ws, '^C', 5)
      })
    })
    const size = { columns: 101, rows: 43 }
    const terminal = ann.sit(['instances', 'ssh', 'i-1'], { size })
    await terminal.shows('$ ')
    terminal.type('\u0003')
    expect(await terminal.ended).toEqual({ status: 5, shown: '$ ^C' })
    expect(server.asked.at(-1)?.headers).toMatchObject({ height: '43', width: '101' })
    expect(server.asked.at(-1)?.headers).not.toHaveProperty('command')
  })

  it('at a terminal shows every byte as it is, and gives the terminal back', async () => {
    const { ann } = await atInstances((ws) => finish(ws, 'a\r\nb\nc|', 3))
    const terminal = ann.sit(['instances', 'ssh', 'i-1'], { shell: '; echo $?; stty -a' })
    const { shown } = await terminal.ended
    expect(shown).toMatch(/^a\r\nb\nc\|3\r\n/)
    expect(shown).toMatch(/\nopost .* icanon .* echo /s)
  })

  it('names the login when the key is not taken any more', async () => {
    // The first generation says it with the other word, and without an exit status.
    for (const [text, code] of [
      ['ERROR: invalid authentication\n', 1],
      ['ERROR: invalid authorization\n', undefined],
    ] as const) {
      const { ann, server } = await atInstances((ws) => finish(ws, text, code))
      const ran = await ann.run(['instances', 'ssh', 'i-1'])
      expect([ran.status, ran.stdout]).toEqual([4, ''])
      expect(ran.stderr).toContain(`run: convox login ${server.host}`)
    }
  })
})
