export interface HostCommand {
  /** What follows the name. */
  usage: string
  summary: string
  /** Resolves to the exit status. */
  load(): Promise<(args: readonly string[]) => Promise<number>>
}

/** What the owner of the server runs on its machine, with the same settings as the server. */
export const HOST_COMMANDS: Readonly<Record<string, HostCommand>> = {
  'reset-password': {
    usage: 'EMAIL [--password-stdin]',
    summary: 'give an account a new password and end its sessions',
    load: async () => (await import('./reset-password.ts')).resetPasswordCommand,
  },
  doctor: {
    usage: '',
    summary: 'check settings, files, database, keys, ports and the local Rack',
    load: async () => (await import('./doctor.ts')).doctorCommand,
  },
  migrate: {
    usage: '',
    summary: 'bring the database up to date, with the server stopped',
    load: async () => (await import('./migrate.ts')).migrateCommand,
  },
  keys: {
    usage: 'COMMAND',
    summary:
      'master keys: create [--kms ARN], rotate, status [--json], retire ID; verify what is stored',
    load: async () => (await import('./keys.ts')).keysCommand,
  },
  backup: {
    usage: 'FILE',
    summary: 'write the database to a file, also while the server runs',
    load: async () => (await import('./backup.ts')).backupCommand,
  },
  restore: {
    usage: 'FILE [--force]',
    summary: 'replace the database by a backup, with the server stopped',
    load: async () => (await import('./restore.ts')).restoreCommand,
  },
  reconcile: {
    usage: '[--force]',
    summary: 'after a restore: get back keys that Racks were given since, and end the pause',
    load: async () => (await import('./reconcile.ts')).reconcileCommand,
  },
  help: {
    usage: '',
    summary: 'show this',
    load: async () => (await import('./help.ts')).helpCommand,
  },
}
