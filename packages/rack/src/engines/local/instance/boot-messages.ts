/** What the engine tells an instance, as one JSON line on its standard input. Nothing in it is secret. */
export interface BootParameters {
  id: string
  /** The token of the data folder; with the id it marks every process of the instance. */
  owner: string
  /** Home and working folder of the sessions; holds `.ssh/authorized_keys` and the host key. */
  home: string
  sshUser: string
  /** Written at the first boot only; later the file belongs to keyrolls. */
  authorizedKeys: string[]
  /** The whole environment of a session, apart from TERM. */
  environment: Record<string, string>
}

/** What an instance answers, as one JSON line on its standard output, once it can be reached. */
export interface BootReport {
  port: number
  /** `ssh-ed25519 AAAA…` */
  hostKey: string
}

// Checked by hand: these two lines travel between two processes of one version, and loading a
// schema library would add half again to the start of every instance.
function fields(line: string): Map<string, unknown> {
  const value: unknown = JSON.parse(line)
  if (typeof value !== 'object' || value === null) throw new TypeError('not a JSON object')
  return new Map(Object.entries(value))
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string' || value === '') throw new TypeError(`${name} is not a text`)
  return value
}

function oneLine(value: unknown): string {
  const line = text(value, 'authorizedKeys')
  if (/[\r\n]/.test(line)) throw new TypeError('authorizedKeys has more than one line in an entry')
  return line
}

export function parseBootParameters(line: string): BootParameters {
  const given = fields(line)
  const lines = given.get('authorizedKeys')
  const environment = given.get('environment')
  if (!Array.isArray(lines)) throw new TypeError('authorizedKeys is not a list')
  if (typeof environment !== 'object' || environment === null) {
    throw new TypeError('environment is not an object')
  }
  return {
    id: text(given.get('id'), 'id'),
    owner: text(given.get('owner'), 'owner'),
    home: text(given.get('home'), 'home'),
    sshUser: text(given.get('sshUser'), 'sshUser'),
    authorizedKeys: lines.map(oneLine),
    environment: Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [name, String(value)]),
    ),
  }
}

export function parseBootReport(line: string): BootReport {
  const given = fields(line)
  const port = given.get('port')
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new TypeError('port is not a port')
  }
  return { port, hostKey: text(given.get('hostKey'), 'hostKey') }
}
