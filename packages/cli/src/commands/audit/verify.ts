import { createReadStream } from 'node:fs'
import type { AuditHead } from '@keyrack/protocol/audit'
import type { DefineCommand } from '../../command-table.ts'
import type { Context, GlobalOptions } from '../../context.ts'
import { codeOf } from '../../error-code.ts'
import { Failure, UsageError } from '../../failures.ts'
import { shortTime } from '../../short-time.ts'

/** Characters; the longest field of a row is a few hundred. */
const LINE_MAX = 1024 * 1024

interface VerifyOptions extends GlobalOptions {
  publicKey?: string
  json?: true
}

export const defineVerify: DefineCommand = (command, context) => {
  command
    .argument('<file>', 'an export, or - for stdin')
    .option('--public-key <key>', 'the key of the Console, where this machine does not know it')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nNeeds no network: every row is computed again, and the end is compared with what the Console has\n' +
        'signed and with the newest row that this machine has seen. Ends with 1 when anything was changed,\n' +
        'left out, moved or cut off. The key of a Console is in: convox audit --json (head.public_key)\n' +
        '\nExamples:\n  $ convox audit verify audit.ndjson\n' +
        '  $ zcat audit.ndjson.gz | convox audit verify - --public-key KEY',
    )
    .action((file: string, options: VerifyOptions) => verify(context, options, file))
}

async function verify(context: Context, options: VerifyOptions, file: string): Promise<void> {
  const { folder, terminal } = context
  const { verifyExport } = await import('../../audit/verify-export.ts')
  const known = await import('../../audit/known-heads.ts')
  const lines = linesOf(context, file)
  const verified = await verifyExport(lines, file, ({ head }) => {
    return known.seenHead(folder, head)?.sequence
  })
  const { after, head, organization } = verified.start
  known.checkHead(folder, head, signingKey(options, known.knownKey(folder, head.console), head))
  const seen = known.seenHead(folder, head)
  if (verified.hashAt !== undefined && verified.hashAt !== seen?.hash) {
    throw new Failure(
      `row ${seen?.sequence} is not the one that this machine has seen: the log was rewritten`,
    )
  }
  await known.rememberHead(folder, head)
  const { rows, unended } = verified
  if (options.json) {
    terminal.printJson({ verified: true, organization, rows, unended, after: after.sequence, head })
    return
  }
  const range = rows === 0 ? 'no rows' : `rows ${after.sequence + 1} to ${head.sequence}`
  const until = shortTime(new Date(head.at).toISOString())
  terminal.print(`${organization}: ${range} are as they were recorded, up to ${until}`)
  if (after.sequence > 0)
    terminal.note(`What is before row ${after.sequence + 1} is not in the file`)
  if (unended > 0) terminal.note(`Writes without an ending in it: ${unended}`)
}

/** A file says of itself only that somebody signed it; by whom has to be known from elsewhere. */
function signingKey(
  { publicKey }: VerifyOptions,
  known: string | undefined,
  head: AuditHead & { public_key: string },
): string {
  const typed = publicKey?.trim()
  if (typed !== undefined && !/^[\w-]{43}$/.test(typed)) {
    throw new UsageError('--public-key is not the key of a Console', 'it has 43 characters')
  }
  if (typed !== undefined && known !== undefined && typed !== known) {
    throw new Failure(
      `this machine knows the Console ${head.console} by another key: ${known}`,
      'ask its server administrator which of the two it is',
    )
  }
  const key = typed ?? known
  if (key !== undefined) return key
  throw new Failure(
    `the rows fit together, but this machine does not know the Console ${head.console}, so anybody could have made them`,
    `compare the key with its server administrator, then: --public-key ${head.public_key}`,
  )
}

async function* linesOf({ terminal }: Context, file: string): AsyncGenerator<string> {
  const input = file === '-' ? terminal.input : createReadStream(file)
  let rest = ''
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    for await (const chunk of input) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > LINE_MAX)
        throw new Failure(`${file} has a line that is longer than any row`)
      yield* lines
    }
  } catch (error) {
    if (error instanceof Failure) throw error
    const why = error instanceof TypeError ? 'it is not text' : (codeOf(error) ?? 'unknown')
    throw new Failure(`cannot read ${file}: ${why}`, undefined, error)
  }
  if (rest !== '') yield rest
}
