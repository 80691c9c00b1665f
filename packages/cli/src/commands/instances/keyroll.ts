import type { KeyrollStatus } from '@keyrack/protocol/resources'
import type { DefineCommand } from '../../command-table.ts'
import { type Connection, connectToRack } from '../../connect.ts'
import type { Context, GlobalOptions } from '../../context.ts'
import { codeOf } from '../../error-code.ts'
import { Failure } from '../../failures.ts'
import { readKeyroll, unfinishedKeyroll } from '../../read-keyroll.ts'
import { takeKeyPair } from '../../take-key-pair.ts'
import type { Terminal } from '../../terminal.ts'
import { waitForRack } from '../../wait-for-rack.ts'

interface KeyrollOptions extends GlobalOptions {
  wait?: true
  replace?: true
  json?: true
}

const POLL_MS = 500
/** As `rack wait`: machines that are replaced one by one take their time. */
const GIVE_UP_MS = 35 * 60_000

export const defineKeyroll: DefineCommand = (command, context) => {
  command
    .option('--replace', 'replace the instances one by one, instead of changing them in place')
    .option('--wait', 'wait also for instances that are down, until no old key is left')
    .option('--json', 'print how far each instance is as JSON at the end')
    .addHelpText(
      'after',
      '\nEvery instance gets a new SSH key, and the old one is refused before the roll is done. Nobody\n' +
        'is cut off: the new key logs in before the old one goes. An instance that is down is rolled\n' +
        'when it is back; until then this fails and names it.\n' +
        '\nExamples:\n  $ convox instances keyroll\n  $ convox instances keyroll --wait\n' +
        '  $ convox instances keyroll status',
    )
    .action((options: KeyrollOptions) => keyroll(context, options))
}

async function keyroll(context: Context, options: KeyrollOptions): Promise<void> {
  const { terminal } = context
  const connection = await connectToRack(context, options)
  const progress = new Progress(terminal, connection)
  await progress.begin()
  const form = options.replace ? { form: { replace: 'true' } } : {}
  let failure: unknown
  try {
    const rolling = connection.request('POST', '/instances/keyroll', form)
    const { body } = await progress.during(rolling)
    if (!progress.follows) await takeKeyPair(terminal, connection, body)
  } catch (error) {
    failure = error
    // What is still going on, or waits for an instance, can be followed; anything else has failed.
    const code = codeOf(error)
    if (!progress.follows || !(code === 'timeout' || code === 'conflict')) throw error
  }
  const status = progress.follows ? await progress.until(options.wait === true) : undefined
  if (status === undefined && options.wait) await waitForRack(terminal, connection)
  if (options.json) terminal.printJson(status ?? {})
  if (status !== undefined && status.state !== 'done') throw unfinishedKeyroll(status)
  if (failure !== undefined && status === undefined) throw failure
  terminal.note('Rolling instance key... OK')
}

/** Tells how far each instance is, where the Rack can be asked: official ones cannot. */
class Progress {
  readonly #terminal: Terminal
  readonly #connection: Connection
  readonly #told = new Map<string, string>()
  #before: KeyrollStatus | undefined

  constructor(terminal: Terminal, connection: Connection) {
    this.#terminal = terminal
    this.#connection = connection
  }

  get follows(): boolean {
    return this.#before !== undefined
  }

  async begin(): Promise<void> {
    this.#before = await readKeyroll(this.#connection)
  }

  /** Tells until the answer is there. */
  async during<T>(rolling: Promise<T>): Promise<T> {
    let over = false
    const end = rolling.finally(() => {
      over = true
    })
    end.catch(() => {})
    while (this.follows && !over) {
      await Promise.race([end.catch(() => {}), pause()])
      // A question that fails here is asked again; the answer itself tells what is wrong.
      if (!over) await this.#tell().catch(() => {})
    }
    return await end
  }

  /** Tells until the roll is done, or, unless `all`, until only those are left that are down. */
  async until(all: boolean): Promise<KeyrollStatus> {
    const end = performance.now() + GIVE_UP_MS
    for (;;) {
      const status = await this.#tell()
      if (status.state === 'done' || (status.state === 'unfinished' && !all)) return status
      if (performance.now() > end) throw unfinishedKeyroll(status)
      await pause()
    }
  }

  async #tell(): Promise<KeyrollStatus> {
    const status = await readKeyroll(this.#connection)
    if (status === undefined) throw new Failure('the Rack does not say any more how far it is')
    const old = status.id === this.#before?.id && this.#before.state !== 'running'
    for (const { id, state, problem } of old ? [] : status.instances) {
      const line = problem === '' ? state : problem
      if (state === 'waiting' || this.#told.get(id) === line) continue
      this.#told.set(id, line)
      if (state === 'done' || problem !== '') this.#terminal.note(`${id}: ${line}`)
    }
    return status
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS))
}
