import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { KEY, logIn, newConsole, newPerson } from './testing/person.ts'
import { startServer } from './testing/test-server.ts'

describe('the certificate of a login', () => {
  it('needs a fingerprint where there is no terminal, and the error names it', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    const ran = await ann.run(['login', server.host, '--password-stdin'], { stdin: KEY })
    expect(ran.status).toBe(1)
    expect(ran.stderr).toContain(`convox login ${server.host} --fingerprint ${server.fingerprint}`)
    expect(server.asked).toEqual([])
  })

  it('that a CA vouches for needs neither question nor pin', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    const file = join(ann.home, 'ca.pem')
    writeFileSync(file, server.certificate.cert)
    const env = { NODE_EXTRA_CA_CERTS: file }
    const ran = await ann.run(['login', server.host, '--password-stdin'], { stdin: KEY, env })
    expect(ran.status, ran.stderr).toBe(0)
    expect(ann.stored('fingerprints')).toBeUndefined()
    expect((await ann.run(['racks'], { env })).status).toBe(0)
    // Without that CA, the same server is not trusted any more.
    const later = await ann.run(['racks'])
    expect(later.status).toBe(1)
    expect(later.stderr).toContain(`convox login ${server.host}`)
  })

  it('that changed is refused with both fingerprints, without a question, even with a CA', async () => {
    const [ann, first] = [newPerson(), await newConsole()]
    await logIn(ann, first)
    await first.close()
    const port = Number(first.host.split(':')[1])
    const second = await startServer({ answer: () => ({ body: { id: 'u' } }) }, { port })
    onTestFinished(() => second.close())
    const file = join(ann.home, 'ca.pem')
    writeFileSync(file, second.certificate.cert)
    const env = { NODE_EXTRA_CA_CERTS: file }

    const terminal = ann.sit(['login', first.host], { env })
    const { status, shown } = await terminal.ended
    expect(status).toBe(1)
    expect(shown).toContain(first.fingerprint)
    expect(shown).toContain(second.fingerprint)
    expect(shown).not.toContain('[y/N]')
    const other = await ann.run(['racks'], { env })
    expect(other.status).toBe(1)
    expect(other.stderr).toContain(first.fingerprint)
    expect(other.stderr).toContain(second.fingerprint)
    expect(second.asked).toEqual([])

    await logIn(ann, second)
    expect(JSON.parse(ann.stored('fingerprints') ?? '')).toEqual({
      [second.host]: second.fingerprint,
    })
  })

  it('must be the one given, which may be written with colons or in base64', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    const args = ['login', server.host, '--password-stdin', '--fingerprint']
    const wrong = await ann.run([...args, 'ab'.repeat(32)], { stdin: KEY })
    expect(wrong.status).toBe(1)
    expect(wrong.stderr).toContain(server.fingerprint)
    expect((await ann.run([...args, 'nonsense'], { stdin: KEY })).status).toBe(2)
    const colons = server.fingerprint.toUpperCase().match(/../g)?.join(':') ?? ''
    const base64 = Buffer.from(server.fingerprint, 'hex').toString('base64')
    for (const right of [colons, `SHA256:${base64}`]) {
      expect((await ann.run([...args, right], { stdin: KEY })).status).toBe(0)
    }
  })
})
