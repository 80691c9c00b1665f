import type { Migration } from '../migrations.ts'

export interface RowsSchema {
  rows: { id: string; n: number; text: string | null | undefined }
}

export const ROWS_MIGRATION: Migration = {
  id: 1,
  name: 'rows',
  async up(tx) {
    await tx.schema
      .createTable('rows')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('n', 'bigint', (column) => column.notNull())
      .addColumn('text', 'text')
      .execute()
  },
}
