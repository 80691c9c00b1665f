import { join } from 'node:path'
import { loadCertificate } from '@keyrack/server'
import { type RecordingRack, type Reply, startRecordingRack } from '@keyrack/server/testing'
import { beforeAll, onTestFinished } from 'vitest'
import { type AtEnd, testFolder } from '../../testing/console-domain.ts'
import { basic, serveFounded } from './serve-console.ts'

export const RACK_KEY = 'the-password-of-the-recording-rack'

/** What it is asked when it is added; else the default. */
const reply: Reply = ({ line }) => {
  if (line === 'GET /auth') return 'ok\n'
  return line === 'GET /system' ? '{"name":"lab","provider":"aws","version":"1"}\n' : undefined
}

type Founded = Awaited<ReturnType<typeof serveFounded>>

export interface RecordedConsole extends Founded {
  rack: RecordingRack
  /** The two lines by which the founder reaches that Rack, `acme/lab`. */
  credentials: string
}

/** A Console on real listeners, and a Rack of its founder that records every byte it gets. */
export async function serveRecorded(
  env: Record<string, string> = {},
  atEnd: AtEnd = onTestFinished,
): Promise<RecordedConsole> {
  const folder = join(testFolder(atEnd), 'tls')
  const certificate = await loadCertificate({ folder, names: [] })
  const rack = await startRecordingRack(certificate, reply)
  atEnd(() => rack.close())
  const founded = await serveFounded(env, atEnd)
  const added = await founded.ask('/api/racks', {
    key: founded.key,
    body: {
      organization: 'acme',
      name: 'lab',
      host: `127.0.0.1:${rack.port}`,
      key: RACK_KEY,
      fingerprint: certificate.fingerprint,
    },
  })
  if (added.status !== 201) throw new Error(`the Rack was not added: ${added.text}`)
  rack.reset()
  const credentials = `Authorization: ${basic(founded.key)}\r\nRack: acme/lab`
  return { ...founded, rack, credentials }
}

/** One for all tests of a file. */
export function shareRecorded(env: Record<string, string> = {}): () => RecordedConsole {
  let shared: RecordedConsole | undefined
  beforeAll(async () => {
    const ends: Array<() => void | Promise<void>> = []
    shared = await serveRecorded(env, (end) => ends.unshift(end))
    return async () => {
      for (const end of ends) await end()
    }
  })
  return () => {
    if (shared === undefined) throw new TypeError('the shared Console runs within tests only')
    return shared
  }
}
