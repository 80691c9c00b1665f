import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { peerCertificate } from '@keyrack/protocol/client'
import { generate } from 'selfsigned'
import { expect, it } from 'vitest'
import { eventually, startConsole } from './started-console.ts'

async function writePair(folder: string, name: string): Promise<void> {
  const pair = await generate([{ name: 'commonName', value: name }], { keyType: 'ec' })
  await writeFile(join(folder, 'tls.crt'), pair.cert)
  await writeFile(join(folder, 'tls.key'), pair.private, { mode: 0o600 })
}

it('a renewed certificate is served after SIGHUP, without a restart; a broken one changes nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'keyrack-certificate-'))
  await writePair(folder, 'first')
  const server = await startConsole({
    TLS_CERT_FILE: join(folder, 'tls.crt'),
    TLS_KEY_FILE: join(folder, 'tls.key'),
  })
  try {
    const served = () => peerCertificate(`https://${server.host}`)
    expect(await served()).toMatchObject({ subject: 'first', fingerprint: server.fingerprint })

    await writeFile(join(folder, 'tls.crt'), 'not a certificate')
    server.child.kill('SIGHUP')
    await eventually('the refusal is logged', () =>
      server.output().includes('the one before still serves') ? true : undefined,
    )
    expect((await served()).subject).toBe('first')

    await writePair(folder, 'second')
    server.child.kill('SIGHUP')
    const renewed = await eventually('the new certificate', async () => {
      const now = await served()
      return now.subject === 'second' ? now : undefined
    })
    const page = await (await fetch(server.web)).text()
    expect(page + server.output()).toContain(renewed.fingerprint)
  } finally {
    await server.remove()
    await rm(folder, { recursive: true, force: true })
  }
})
