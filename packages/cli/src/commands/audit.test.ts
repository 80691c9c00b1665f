import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type AuditHead,
  type AuditRow,
  auditHeadText,
  rowHash,
  WHOLE_CHAIN,
} from '@keyrack/protocol/audit'
import { generateSigningKey, signText } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { atRack, newPerson, type Person } from '../testing/person.ts'

const KEYS = generateSigningKey()
const AUDIT = '/api/organizations/acme/audit'

/** A chain of writes, each started and finished. */
function chain(writes: number, actor = 'ann@example.com'): AuditRow[] {
  const rows: AuditRow[] = []
  let previous_hash = WHOLE_CHAIN.hash
  for (let sequence = 1; sequence <= writes * 2; sequence++) {
    const started = sequence % 2 === 1
    const row: Omit<AuditRow, 'hash'> = {
      ...{ id: `row-${sequence}`, chain: 'o-1', sequence, at: 1_800_000_000_000 + sequence },
      ...{
        phase: started ? 'started' : 'finished',
        event_id: `row-${started ? sequence : sequence - 1}`,
      },
      ...{ actor_id: 'u-1', actor_name: actor, action: 'instances.terminate' },
      ...{ target: `DELETE /instances/i-${sequence} \u0085\u202e`, rack_id: 'r-1' },
      ...{ request_id: `request-${sequence}`, address: '192.0.2.7', previous_hash },
      ...(started
        ? { outcome: null, status: null, note: null }
        : { outcome: 'succeeded' as const, status: 200, note: null }),
    }
    const hash = rowHash(row)
    rows.push({ ...row, hash })
    previous_hash = hash
  }
  return rows
}

function signedHead(rows: readonly AuditRow[], keys = KEYS, console = 'console-1') {
  const last = rows.at(-1) ?? WHOLE_CHAIN
  const head: AuditHead = {
    ...{ console, chain: 'o-1', sequence: last.sequence, hash: last.hash, at: 1_800_000_100_000 },
  }
  const signature = signText(keys.privateKey, auditHeadText(head))
  return { ...head, signature, public_key: keys.publicKey }
}

function exported(rows: readonly AuditRow[], head = signedHead(rows), after = WHOLE_CHAIN): string {
  const start = { format: 'keyrack-audit-export-1', organization: 'acme', head, after }
  return [start, ...rows].map((line) => `${JSON.stringify(line)}\n`).join('')
}

function verify(person: Person, text: string, ...options: string[]) {
  return person.run(['audit', 'verify', '-', ...options], { stdin: text })
}

const WITH_KEY = ['--public-key', KEYS.publicKey]

describe('convox audit verify', () => {
  const rows = chain(3)

  it('says which rows are as they were recorded, without any host', async () => {
    const ann = newPerson()
    writeFileSync(join(ann.home, 'audit.ndjson'), exported(rows))
    const ran = await ann.run(['audit', 'verify', 'audit.ndjson', ...WITH_KEY])
    expect(ran).toEqual({
      status: 0,
      stdout: 'acme: rows 1 to 6 are as they were recorded, up to 2027-01-15 08:01 UTC\n',
      stderr: '',
    })
    // Now this machine knows the Console.
    const json = await verify(ann, exported(rows), '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({ verified: true, rows: 6, unended: 0 })
  })

  it('tells of writes that have no ending, and of what the file does not begin with', async () => {
    const part = rows.slice(2, 5)
    const text = exported(part, signedHead(part), rows[1])
    const ran = await verify(newPerson(), text, ...WITH_KEY)
    expect(ran.stdout).toContain('acme: rows 3 to 5 are as they were recorded')
    expect(ran.stderr).toBe(
      'What is before row 3 is not in the file\nWrites without an ending in it: 1\n',
    )
  })

  const rehashed = (changed: AuditRow[]): AuditRow[] => {
    let previous_hash = WHOLE_CHAIN.hash
    return changed.map((row) => {
      const next = { ...row, previous_hash }
      previous_hash = rowHash(next)
      return { ...next, hash: previous_hash }
    })
  }
  const edited = rows.with(2, { ...(rows[2] as AuditRow), actor_name: 'eve@example.com' })
  const others = chain(3, 'eve@example.com')
  it.each<[string, string, RegExp]>([
    ['a changed row', exported(edited, signedHead(rows)), /^ERROR: row 3 was changed/],
    [
      'rows from another chain',
      exported([...rows.slice(0, 2), ...others.slice(2)], signedHead(rows)),
      /row 3 does not follow the row before it/,
    ],
    ['a missing row', exported(rows.toSpliced(3, 1), signedHead(rows)), /row 4 is missing/],
    ['a missing first row', exported(rows.slice(1), signedHead(rows)), /row 1 is missing/],
    [
      'two rows in each other’s place',
      exported([rows[1], rows[0], ...rows.slice(2)] as AuditRow[], signedHead(rows)),
      /row 1 is missing/,
    ],
    [
      'a row twice',
      exported([...rows.slice(0, 3), ...rows.slice(2)], signedHead(rows)),
      /row 4 is not where it belongs/,
    ],
    [
      'a cut end',
      exported(rows.slice(0, 4), signedHead(rows)),
      /rows 5 to 6 were cut off at the end/,
    ],
    [
      'more than was signed',
      exported(rows, signedHead(rows.slice(0, 4))),
      /do not end with the row that the Console signed/,
    ],
    [
      'everything computed anew',
      exported(rehashed(edited), signedHead(rows)),
      /do not end with the row that the Console signed/,
    ],
    [
      'another signature',
      exported(rows, signedHead(rows, generateSigningKey())),
      /not signed by the Console/,
    ],
    [
      'a head for another Console',
      exported(rows, { ...signedHead(rows), console: 'other' }),
      /not signed by the Console/,
    ],
    [
      'a row that is none',
      `${exported(rows.slice(0, 2), signedHead(rows))}{"sequence":3}\n`,
      /row 3 cannot be read/,
    ],
    ['nothing', '', /is no export of an audit log/],
    ['another file', '{"a":1}\n', /is no export of an audit log/],
    ['bytes', '\u0000\ufffd\n', /is no export of an audit log/],
    ['one endless line', 'x'.repeat(3 * 1024 * 1024), /longer than any row/],
  ])('ends with 1 for %s, and says where', async (_, text, why) => {
    const ran = await verify(newPerson(), text, ...WITH_KEY)
    expect(ran.stderr).toMatch(why)
    expect([ran.status, ran.stdout]).toEqual([1, ''])
  })

  it('believes nobody whom it does not know', async () => {
    const ann = newPerson()
    const unknown = await verify(ann, exported(rows))
    expect(unknown.stderr).toContain('anybody could have made them')
    expect(unknown.stderr).toContain(`--public-key ${KEYS.publicKey}`)
    expect(unknown.status).toBe(1)
    const typed = await verify(ann, exported(rows), '--public-key', 'hunter2')
    expect(typed.stderr).toContain('it has 43 characters')
    expect(typed.status).toBe(2)
    await verify(ann, exported(rows), ...WITH_KEY)
    const other = generateSigningKey()
    const forged = exported(rows, signedHead(rows, other))
    const told = await verify(ann, forged, '--public-key', other.publicKey)
    expect(told.stderr).toContain('by another key')
    expect(told.status).toBe(1)
  })

  it('remembers the newest row, so that a cut or rewritten log shows even when it is signed', async () => {
    const ann = newPerson()
    await verify(ann, exported(rows), ...WITH_KEY)
    const cut = await verify(ann, exported(rows.slice(0, 4)))
    expect(cut.stderr).toContain('ends with row 4, but this machine has seen row 6')
    const longer = chain(5, 'eve@example.com')
    const rewritten = await verify(ann, exported(longer))
    expect(rewritten.stderr).toContain('row 6 is not the one that this machine has seen')
    const same = await verify(ann, exported(chain(3, 'eve@example.com')))
    expect(same.stderr).toContain('row 6 is not the one that this machine has seen')
    expect([cut.status, rewritten.status, same.status]).toEqual([1, 1, 1])
    expect((await verify(ann, exported(chain(4)))).status).toBe(0)
  })

  it('says which file it cannot read', async () => {
    const ran = await newPerson().run(['audit', 'verify', 'nowhere'])
    expect(ran).toMatchObject({ status: 1, stderr: 'ERROR: cannot read nowhere: ENOENT\n' })
  })
})

/** A Console that answers with this log. */
async function withLog(log: { rows: AuditRow[]; keys?: typeof KEYS; console?: string }) {
  return atRack({
    answer({ path }) {
      const head = signedHead(log.rows, log.keys, log.console)
      if (path.startsWith(`${AUDIT}/export`)) {
        const { searchParams } = new URL(path, 'http://x')
        const from = Number(searchParams.get('after') ?? 0)
        const part = log.rows.slice(from, from + Number(searchParams.get('limit')))
        return { body: exported(part, head, log.rows[from - 1] ?? WHOLE_CHAIN) }
      }
      if (!path.startsWith(AUDIT)) return undefined
      return { body: { entries: [], next: 7, head } }
    },
  })
}

describe('convox audit', () => {
  it('asks for what was typed, and says how to go on', async () => {
    const { ann, server } = await withLog({ rows: chain(1) })
    const ran = await ann.run([
      ...['audit', '--rack', 'acme/dev', '--user', 'deploy key ci', '--action', 'rack.*'],
      ...['--since', '2026-01-01', '--limit', '5', '--before', '9'],
    ])
    expect(ran.status).toBe(0)
    expect(ran.stdout).toContain('ROW  TIME')
    expect(ran.stderr).toContain('There is more: --before 7')
    const asked = new URL(server.asked.at(-1)?.path ?? '', 'http://x').searchParams
    expect(Object.fromEntries(asked)).toEqual({
      ...{ rack: 'acme/dev', user: 'deploy key ci', action: 'rack.*', limit: '5', before: '9' },
      since: '2026-01-01T00:00:00.000Z',
    })
  })

  it('refuses a log that is shorter, other or of another Console than before', async () => {
    const log: Parameters<typeof withLog>[0] = { rows: chain(3) }
    const { ann } = await withLog(log)
    expect((await ann.run(['audit'])).status).toBe(0)
    log.rows = chain(2)
    expect((await ann.run(['audit'])).stderr).toContain('was cut off')
    log.rows = chain(3, 'eve@example.com')
    expect((await ann.run(['audit'])).stderr).toContain('was rewritten')
    // Only where somebody says so, and from then on that one counts.
    log.rows = chain(2)
    expect((await ann.run(['audit'])).stderr).toContain('convox audit --accept-restored')
    expect((await ann.run(['audit', '--accept-restored'])).status).toBe(0)
    expect((await ann.run(['audit'])).status).toBe(0)
    log.rows = chain(1)
    expect((await ann.run(['audit'])).stderr).toContain('was cut off')
    log.rows = chain(4)
    log.keys = generateSigningKey()
    for (const args of [['audit'], ['audit', '--accept-restored']]) {
      expect((await ann.run(args)).stderr).toContain('not signed by the Console')
    }
    log.console = 'console-2'
    expect((await ann.run(['audit'])).stderr).toContain('is another Console than before')
    Object.assign(log, { keys: KEYS, console: 'console-1' })
    expect((await ann.run(['audit'])).status).toBe(0)
  })

  it.each([
    [['audit', '--since', 'soon'], '--since is a duration or a time'],
    [['audit', '--server', '--organization', 'acme'], 'are two different logs'],
    [['audit', '--organization', '../x'], 'is no name of an organization'],
  ])('%j makes no sense', async (args, why) => {
    const { ann } = await withLog({ rows: chain(1) })
    const ran = await ann.run(args)
    expect(ran.stderr).toContain(why)
    expect(ran.status).toBe(2)
  })
})

describe('convox audit export', () => {
  it('writes what convox audit verify takes, to a file or to stdout', async () => {
    const { ann } = await withLog({ rows: chain(3) })
    const ran = await ann.run(['audit', 'export', 'audit.ndjson'])
    expect(ran).toEqual({
      ...{ status: 0, stdout: '' },
      stderr: 'Exported 6 rows of acme to audit.ndjson\n',
    })
    expect((await ann.run(['audit', 'verify', 'audit.ndjson'])).status).toBe(0)
    const piped = await ann.run(['audit', 'export', '-'])
    expect(piped.stdout).not.toMatch(/\p{Cc}(?<!\n)|\u202e/u)
    expect((await verify(ann, piped.stdout)).status).toBe(0)
  })

  it('in several parts is one whole', async () => {
    const { ann, server } = await withLog({ rows: chain(15_000) })
    expect((await ann.run(['audit', 'export', 'audit.ndjson'])).status).toBe(0)
    expect(server.asked.filter(({ path }) => path.includes('/export'))).toHaveLength(2)
    const ran = await ann.run(['audit', 'verify', 'audit.ndjson'])
    expect(ran.stdout).toContain('rows 1 to 30000 are as they were recorded')
  })

  it('that cannot be written leaves nothing that looks like one', async () => {
    const { ann } = await withLog({ rows: chain(3) })
    const nowhere = await ann.run(['audit', 'export', 'no/folder/audit'])
    expect(nowhere.stderr).toContain('cannot write no/folder/audit')
    expect(nowhere.status).toBe(1)
  })
})
