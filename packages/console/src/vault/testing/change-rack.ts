import type { Updateable } from 'kysely'
import type { ConsoleContext } from '../../context.ts'
import type { RacksTable } from '../../database/schema.ts'
import { writeCredential } from '../write-credential.ts'

/** Changes a Rack's row as the Console does, so that it is still believed. */
export async function changeRack(
  { commit }: Pick<ConsoleContext, 'commit'>,
  name: string,
  values: Updateable<RacksTable>,
): Promise<void> {
  await commit(async (tx) => {
    const { id } = await tx
      .selectFrom('racks')
      .where('name', '=', name)
      .select('id')
      .executeTakeFirstOrThrow()
    await writeCredential(tx, 'racks', id, () =>
      tx.updateTable('racks').set(values).where('id', '=', id).execute(),
    )
  })
}
