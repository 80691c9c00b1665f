import { KeyrackError } from '@keyrack/protocol'
import { type Kysely, sql } from 'kysely'
import type { Notice } from '../private-folder.ts'

/** Whether the server keeps what it acknowledges, as it was given. */
export async function checkServer<S>(db: Kysely<S>, name: string, notice: Notice): Promise<void> {
  const { rows } = await sql<{ encoding: string; commit: string; fsync: string }>`
    select current_setting('server_encoding') as encoding,
      current_setting('synchronous_commit') as commit,
      current_setting('fsync') as fsync`.execute(db)
  const [found] = rows
  if (found?.encoding !== 'UTF8') {
    throw new KeyrackError('not-ready', `cannot use the database ${name}: it is not in UTF-8`, {
      hint: 'make it again with: createdb --encoding=UTF8 --template=template0',
    })
  }
  if (found.commit === 'off') {
    throw new KeyrackError(
      'not-ready',
      `cannot use the database ${name}: it acknowledges what is not on its disk yet`,
      { hint: 'run: alter database ... set synchronous_commit = on' },
    )
  }
  if (found.fsync !== 'on') {
    notice(
      `the server of the database ${name} runs with fsync off: a power cut can lose everything`,
    )
  }
}
