import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import {
  type Ran,
  runAtTerminal,
  runConvox,
  type Setting,
  type TerminalRun,
  type TerminalSetting,
} from './run-convox.ts'
import { temporaryFolder } from './temporary-folder.ts'
import {
  type Asked,
  type Behaviour,
  type ConsoleState,
  consoleBehaviour,
  startServer,
  type TestServer,
  type Told,
} from './test-server.ts'

/** Somebody with a home folder of their own who types commands. */
export interface Person {
  home: string
  run(args: readonly string[], setting?: Setting): Promise<Ran>
  sit(args: readonly string[], setting?: TerminalSetting): TerminalRun
  /** The text of a file in ~/.convox, or undefined. */
  stored(file: string): string | undefined
  store(file: string, text: string): void
}

export function newPerson(): Person {
  const home = temporaryFolder()
  const placed = (setting: Setting = {}): Setting => {
    return { cwd: home, ...setting, env: { HOME: home, ...setting.env } }
  }
  const path = (file: string): string => join(home, '.convox', file)
  return {
    home,
    run: (args, setting) => runConvox(args, placed(setting)),
    sit: (args, setting) => runAtTerminal(args, { ...setting, ...placed(setting) }),
    stored: (file) => (existsSync(path(file)) ? readFileSync(path(file), 'utf8') : undefined),
    store: (file, text) => {
      mkdirSync(join(home, '.convox'), { recursive: true, mode: 0o700 })
      writeFileSync(path(file), text, { mode: 0o600 })
    },
  }
}

export const KEY = 'an-official-key-of-30-letters-x'

/** A Console with one account and one Rack, stopped after the test. */
export async function newConsole(
  state: Partial<ConsoleState> = {},
  extra: Partial<Behaviour> = {},
): Promise<TestServer & { state: ConsoleState }> {
  const whole: ConsoleState = {
    keys: new Map([[KEY, 'ann@example.com']]),
    racks: [{ name: 'acme/dev', status: 'running' }],
    ...state,
  }
  const server = await startServer({ ...consoleBehaviour(whole), ...extra })
  onTestFinished(() => server.close())
  return { ...server, state: whole }
}

/** Logs a person in without any question. */
export async function logIn(person: Person, server: TestServer, key = KEY): Promise<void> {
  const args = ['login', server.host, '--password-stdin', '--fingerprint', server.fingerprint]
  const ran = await person.run(args, { stdin: key })
  if (ran.status !== 0) throw new Error(`the login failed: ${ran.stderr}`)
}

export interface RackAnswers {
  /** What the Rack answers; undefined leaves it to the Console's usual answers. */
  answer?: (asked: Asked) => Told | undefined
  socket?: Behaviour['socket']
  streamHead?: string[]
}

/** A person logged in to a Console whose Rack answers as given. */
export async function atRack({ answer, socket, streamHead }: RackAnswers) {
  const state: ConsoleState = {
    keys: new Map([[KEY, 'ann@example.com']]),
    racks: [{ name: 'acme/dev', status: 'running' }],
  }
  const usual = consoleBehaviour(state)
  const server = await newConsole(state, {
    answer: (asked) => answer?.(asked) ?? usual.answer(asked),
    ...(socket === undefined ? {} : { socket }),
    ...(streamHead === undefined ? {} : { streamHead }),
  })
  const ann = newPerson()
  await logIn(ann, server)
  return { ann, server }
}
