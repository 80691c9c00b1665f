import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { KeyrackError } from '@keyrack/protocol'
import { readConfig } from '../config.ts'
import { backUp } from '../vault/back-up.ts'
import { noMoreArguments } from './no-more-arguments.ts'
import { requireConsole } from './on-database.ts'

/** Also while the server runs, whichever database it has. */
export async function backupCommand([name = '', ...more]: readonly string[]): Promise<number> {
  noMoreArguments(more)
  if (name === '' || name.startsWith('-')) {
    throw new KeyrackError('invalid', 'say where to: keyrack-console backup FILE')
  }
  const file = resolve(name)
  if (existsSync(file)) {
    throw new KeyrackError('conflict', `${file} is there already`, {
      hint: 'give another name, or remove it first',
    })
  }
  const config = readConfig({ env: process.env })
  requireConsole(config)
  const { schema, rows, bytes } = await backUp(config, file)
  process.stdout.write(
    `wrote ${file}: schema ${schema}, ${rows} rows, ${bytes} bytes\n` +
      'The master key is NOT in it. Without a copy of the files in\n' +
      `  ${config.keyDir}\n` +
      'no Rack key in this backup can ever be opened: keep one, in another place.\n',
  )
  return 0
}
