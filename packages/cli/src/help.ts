import { COMMANDS } from './command-table.ts'

const DOCUMENTATION = 'the README and docs/ of Keyrack'

const GROUPS: readonly (readonly [string, readonly string[]])[] = [
  ['Log in', ['login', 'logout', 'auth']],
  ['Racks', ['racks', 'switch', 'rack']],
  ['Instances', ['instances', 'instances ssh', 'instances terminate']],
  [
    'People and CI',
    [
      ...['members', 'members role', 'members remove', 'invite', 'invite accept'],
      ...['deploy-keys', 'deploy-keys create', 'deploy-keys revoke'],
    ],
  ],
  ['More', ['version']],
]

const TOPICS: Readonly<Record<string, string>> = {
  'exit-codes': `How a command ends:

    0    it worked
    1    it failed; the last line on stderr says why and what to run next
    2    the line that was typed makes no sense
    4    not logged in, or the server does not take the key any more
  130    interrupted (Ctrl-C)

convox instances ssh ends with the status of the remote command.`,
  environment: `Variables that convox reads (a flag beats a variable, a variable beats a file):

  CONVOX_HOST       the Console or Rack to use
  CONVOX_PASSWORD   the API key to use, for CI
  CONVOX_RACK       the Rack to use
  RACK_URL          https://convox:KEY@HOST, both in one
  CONVOX_CONFIG     the folder of stored logins, ~/.convox if unset
  NO_COLOR          no colour`,
}

/** The first page: examples, then the commands by how they belong together. */
export function rootHelp(): string {
  const names = GROUPS.flatMap(([, group]) => group)
  const width = Math.max(...names.map((name) => name.length))
  const groups = GROUPS.map(([title, group]) => {
    const lines = group.map((name) => `  ${name.padEnd(width)}  ${COMMANDS[name]?.summary ?? ''}`)
    return [title, ...lines].join('\n')
  })
  return `convox: the command line for Consoles and Racks

  $ convox login localhost:3443
  $ convox racks
  $ convox instances ssh i-1

${groups.join('\n\n')}

Every command takes -r, --rack <org/rack>, --host <host> and -h, --help.
More: convox help <command>, convox help environment, convox help exit-codes.
Documentation, and where to report a mistake: ${DOCUMENTATION}.`
}

export function helpTopic(name: string): string | undefined {
  return Object.hasOwn(TOPICS, name) ? TOPICS[name] : undefined
}
