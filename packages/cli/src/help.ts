import { fileURLToPath } from 'node:url'
import { COMMANDS } from './command-table.ts'

/** Where this command line was built, with the documentation of the same version. */
const CHECKOUT = fileURLToPath(new URL('../../../', import.meta.url))

const GROUPS: readonly (readonly [string, readonly string[]])[] = [
  ['Log in', ['login', 'logout', 'auth', 'auth roll', 'auth token']],
  ['Racks', ['racks', 'switch', 'rack']],
  [
    'The Rack',
    [
      ...['rack params', 'rack params set', 'rack scale', 'rack ps', 'rack logs'],
      ...['rack releases', 'rack wait', 'rack access', 'rack access list'],
      ...['rack access revoke', 'rack access key rotate'],
    ],
  ],
  [
    "The Rack's API key",
    [
      ...['rack key', 'rack key roll', 'rack key status', 'rack key finish'],
      ...['rack key cancel', 'rack key schedule', 'rack key set'],
    ],
  ],
  ['Racks of a Console', ['racks add', 'racks remove', 'racks rename', 'racks trust']],
  [
    'Racks on this machine',
    [...['install', 'uninstall', 'rack install', 'rack start', 'rack stop'], 'rack reset-key'],
  ],
  [
    'Instances',
    [
      ...['instances', 'instances ssh', 'instances terminate', 'instances keyroll'],
      ...['instances keyroll status', 'instances trust', 'instances rekey'],
    ],
  ],
  [
    'People and CI',
    [
      ...['members', 'members role', 'members remove', 'invite', 'invite accept'],
      ...['deploy-keys', 'deploy-keys create', 'deploy-keys revoke'],
    ],
  ],
  ['The audit log', ['audit', 'audit export', 'audit verify', 'audit compare']],
  ['More', ['api get', 'doctor', 'completion', 'version']],
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
  CONVOX_DEBUG      1: what --debug does
  NO_COLOR          no colour; TERM=dumb and --no-color do the same

  HTTPS_PROXY       http://[USER:PASSWORD@]HOST:PORT, the proxy for https hosts (or https_proxy);
                    convox talks to the host itself through it, with the certificate checked as ever
  NO_PROXY          hosts without it (or no_proxy): names with all below them, .names, addresses,
                    networks like 10.0.0.0/8, each perhaps with :PORT, joined by commas; * is all.
                    This machine itself (localhost, 127.0.0.1, ::1) never uses it
  NODE_EXTRA_CA_CERTS
                    a file with further certificate authorities to trust (PEM)

convox doctor shows what is in force.`,
  files: `Files in ~/.convox, or in $CONVOX_CONFIG; the folder is 0700, the files are 0600:

  auth           the API key of each host that you are logged in to (JSON)
  host           the host that commands go to
  rack           the Rack that commands go to; its host where that is a Rack itself
  current        the Rack that was chosen at each host (JSON)
  fingerprints   the certificate that you trust at each host (JSON)
  installed/     a folder for each Rack that convox install made on this machine:
    NAME/log       what it logs; full, it goes to log.1 and begins anew
    NAME/racks/    its data

./.convox/rack, in the folder you are in, names the Rack of a project.`,
}

/** The first page: examples, then the commands by how they belong together. */
export function rootHelp(checkout: string = CHECKOUT): string {
  const width = Math.max(...groupedNames().map((name) => name.length))
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
More: convox help <command>, and convox help environment, exit-codes or files.
--no-color leaves colour out, --no-input asks nothing, --debug shows each request.

Documentation: ${checkout}README.md, ${checkout}docs/reference.md
Report a mistake as CONTRIBUTING.md says there, a weakness as SECURITY.md says.`
}

/** The commands of the first page, in its order. */
export function groupedNames(): string[] {
  return GROUPS.flatMap(([, group]) => group)
}

export function topicNames(): string[] {
  return Object.keys(TOPICS)
}

export function helpTopic(name: string): string | undefined {
  return Object.hasOwn(TOPICS, name) ? TOPICS[name] : undefined
}
