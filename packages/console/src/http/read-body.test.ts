import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { receiveBody } from './read-body.ts'
import { basic, serveFounded, signInFounder } from './testing/serve-console.ts'

const BODY = JSON.stringify({ organization: 'acme', role: 'administrator' })

/** Sends a head, and the body only when told to; the answer is what came back. */
function held(port: number, path: string, headers: Record<string, string>) {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let answer = ''
  const answered = new Promise<string>((resolve, reject) => {
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      answer += chunk.toString()
    })
    socket.on('close', () => resolve(answer))
  })
  const lines = Object.entries({
    ...headers,
    Host: `localhost:${port}`,
    'Content-Type': 'application/json',
    'Content-Length': String(BODY.length),
    Connection: 'close',
    // Answered by the server as soon as it has read the head.
    Expect: '100-continue',
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  const begun = new Promise<void>((resolve) => socket.once('data', () => resolve()))
  socket.write(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
  return {
    begun,
    async finish() {
      socket.write(BODY)
      return await answered
    },
  }
}

describe('a body that is held back', () => {
  it('does not carry a key over its regeneration', async () => {
    const { ask, port, key } = await serveFounded()
    const request = held(port, '/api/invitations', { Authorization: basic(key) })
    await request.begun
    expect((await ask('/api/account/api-key', { method: 'POST', key })).status).toBe(201)
    expect(await request.finish()).toContain('HTTP/1.1 401 ')
  })

  it('does not carry a session over its end', async () => {
    const { ask, port } = await serveFounded()
    const cookie = await signInFounder(ask)
    const request = held(port, '/api/invitations', { Cookie: cookie })
    await request.begun
    await ask('/api/sign-out', { cookie, body: {} })
    expect(await request.finish()).toContain('HTTP/1.1 401 ')
  })

  it('still counts for whoever has kept their key', async () => {
    const { port, key } = await serveFounded()
    const request = held(port, '/api/invitations', { Authorization: basic(key) })
    await request.begun
    expect(await request.finish()).toContain('HTTP/1.1 201 ')
  })

  it('is given up after a while', async () => {
    const server = createServer()
    const outcome = new Promise((resolve, reject) => {
      server.on('request', (incoming) => receiveBody(incoming, 20).then(resolve, reject))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    held((server.address() as AddressInfo).port, '/', {})
    await expect(outcome).rejects.toMatchObject({ code: 'invalid', field: 'body' })
  })
})
