import type { Command } from 'commander'
import type { Context } from './context.ts'

/** Adds a command's arguments, options, examples and action to a parser of its own. */
export type DefineCommand = (command: Command, context: Context) => void

export interface CommandEntry {
  summary: string
  load(): Promise<DefineCommand>
  /** Everything after the first argument belongs to a remote command. */
  passThrough?: true
  /** There are commands below it, but a word after it may be its own argument as well. */
  argument?: true
}

/** Every command by the words a user types. A command's file is loaded only when it is asked for. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  login: {
    summary: 'log in to a Console or a Rack with your API key',
    load: async () => (await import('./commands/login.ts')).defineLogin,
  },
  logout: {
    summary: 'remove the stored key of a host',
    load: async () => (await import('./commands/logout.ts')).defineLogout,
  },
  auth: {
    summary: 'list the hosts you are logged in to and check each key',
    load: async () => (await import('./commands/auth.ts')).defineAuth,
  },
  'auth roll': {
    summary: 'replace your API key at the Console and store the new one',
    load: async () => (await import('./commands/auth/roll.ts')).defineRoll,
  },
  'auth token': {
    summary: 'print your key for a host, for programs that need it',
    load: async () => (await import('./commands/auth/token.ts')).defineToken,
  },
  racks: {
    summary: 'list the Racks you can reach',
    load: async () => (await import('./commands/racks.ts')).defineRacks,
  },
  'racks add': {
    summary: 'put a running Rack under the Console',
    load: async () => (await import('./commands/racks/add.ts')).defineAdd,
  },
  'racks remove': {
    summary: 'take a Rack out of the Console; it runs on',
    load: async () => (await import('./commands/racks/remove.ts')).defineRemove,
  },
  'racks rename': {
    summary: 'give a Rack another name in the Console',
    load: async () => (await import('./commands/racks/rename.ts')).defineRename,
  },
  'racks trust': {
    summary: "accept a Rack's new certificate",
    load: async () => (await import('./commands/racks/trust.ts')).defineTrust,
  },
  switch: {
    summary: 'choose the Rack that commands go to, or show it',
    load: async () => (await import('./commands/switch.ts')).defineSwitch,
  },
  rack: {
    summary: 'show the Rack',
    load: async () => (await import('./commands/rack.ts')).defineRack,
  },
  'rack params': {
    summary: 'list the parameters of the Rack',
    load: async () => (await import('./commands/rack/params.ts')).defineParams,
  },
  'rack params set': {
    summary: 'change parameters of the Rack',
    load: async () => (await import('./commands/rack/params/set.ts')).defineParamsSet,
  },
  'rack scale': {
    summary: 'show or change how many instances the Rack has',
    load: async () => (await import('./commands/rack/scale.ts')).defineScale,
  },
  'rack ps': {
    summary: 'list the processes of the Rack itself',
    load: async () => (await import('./commands/rack/ps.ts')).definePs,
  },
  'rack logs': {
    summary: 'show what happens on the Rack, until Ctrl-C',
    load: async () => (await import('./commands/rack/logs.ts')).defineLogs,
  },
  'rack releases': {
    summary: 'list the versions that the Rack has had',
    load: async () => (await import('./commands/rack/releases.ts')).defineReleases,
  },
  'rack wait': {
    summary: 'wait until the Rack runs',
    load: async () => (await import('./commands/rack/wait.ts')).defineWait,
  },
  'rack key': {
    summary: "show how it is with the Rack's API key",
    load: async () => (await import('./commands/rack/key/status.ts')).defineStatus,
    argument: true,
  },
  'rack key roll': {
    summary: 'give the Rack a new API key; no request fails',
    load: async () => (await import('./commands/rack/key/roll.ts')).defineRoll,
  },
  'rack key status': {
    summary: 'show the last roll, and who still uses the old key',
    load: async () => (await import('./commands/rack/key/status.ts')).defineStatus,
  },
  'rack key finish': {
    summary: 'end the old key before its grace is over',
    load: async () => (await import('./commands/rack/key/finish.ts')).defineFinish,
  },
  'rack key cancel': {
    summary: 'take a roll back before its new key is in force',
    load: async () => (await import('./commands/rack/key/cancel.ts')).defineCancel,
  },
  'rack key schedule': {
    summary: 'have the Console roll the key every so often',
    load: async () => (await import('./commands/rack/key/schedule.ts')).defineSchedule,
  },
  'rack key set': {
    summary: 'enter a key that was changed without the Console',
    load: async () => (await import('./commands/rack/key/set.ts')).defineSet,
  },
  'rack install': {
    summary: 'install a Rack on this machine: convox rack install local NAME',
    load: async () => (await import('./commands/rack/install.ts')).defineRackInstall,
  },
  'rack start': {
    summary: 'start an installed Rack',
    load: async () => (await import('./commands/rack/start.ts')).defineRackStart,
  },
  'rack stop': {
    summary: 'stop an installed Rack',
    load: async () => (await import('./commands/rack/stop.ts')).defineRackStop,
  },
  'rack reset-key': {
    summary: 'give an installed Rack a new key when its key is lost',
    load: async () => (await import('./commands/rack/reset-key.ts')).defineResetKey,
  },
  'rack access': {
    summary: 'make an access token for the Rack; it is shown once',
    load: async () => (await import('./commands/rack/access.ts')).defineAccess,
  },
  'rack access list': {
    summary: 'list the access tokens of the Rack',
    load: async () => (await import('./commands/rack/access/list.ts')).defineAccessList,
  },
  'rack access revoke': {
    summary: 'end an access token at once',
    load: async () => (await import('./commands/rack/access/revoke.ts')).defineAccessRevoke,
  },
  'rack access key rotate': {
    summary: 'end all access tokens at once: the Rack signs with a new key',
    load: async () => (await import('./commands/rack/access/key/rotate.ts')).defineRotate,
  },
  install: {
    summary: 'install a Rack on this machine and log in to it',
    load: async () => (await import('./commands/install.ts')).defineInstall,
  },
  uninstall: {
    summary: 'remove an installed Rack with everything on it',
    load: async () => (await import('./commands/uninstall.ts')).defineUninstall,
  },
  instances: {
    summary: 'list the instances of the Rack',
    load: async () => (await import('./commands/instances.ts')).defineInstances,
  },
  'instances ssh': {
    summary: 'open a shell on an instance, or run a command there',
    load: async () => (await import('./commands/instances/ssh.ts')).defineSsh,
    passThrough: true,
  },
  'instances terminate': {
    summary: 'terminate an instance; the Rack replaces it',
    load: async () => (await import('./commands/instances/terminate.ts')).defineTerminate,
  },
  'instances keyroll': {
    summary: 'give every instance a new SSH key, without cutting anybody off',
    load: async () => (await import('./commands/instances/keyroll.ts')).defineKeyroll,
  },
  'instances keyroll status': {
    summary: 'show which instances have the new SSH key',
    load: async () => (await import('./commands/instances/keyroll/status.ts')).defineKeyrollStatus,
  },
  'instances trust': {
    summary: "accept an instance's new SSH host key",
    load: async () => (await import('./commands/instances/trust.ts')).defineTrust,
  },
  'instances rekey': {
    summary: 'print the SSH key line that an instance needs, and check it',
    load: async () => (await import('./commands/instances/rekey.ts')).defineRekey,
  },
  'api get': {
    summary: 'print what the server answers to a path',
    load: async () => (await import('./commands/api/get.ts')).defineApiGet,
  },
  doctor: {
    summary: 'check what convox needs to reach your Rack',
    load: async () => (await import('./commands/doctor.ts')).defineDoctor,
  },
  completion: {
    summary: 'print a script that completes commands in bash, zsh or fish',
    load: async () => (await import('./commands/completion.ts')).defineCompletion,
  },
  members: {
    summary: 'list the members of the organization',
    load: async () => (await import('./commands/members.ts')).defineMembers,
  },
  'members role': {
    summary: 'change what a member may do',
    load: async () => (await import('./commands/members/role.ts')).defineRole,
  },
  'members remove': {
    summary: 'end the access of a member, or leave',
    load: async () => (await import('./commands/members/remove.ts')).defineRemove,
  },
  invite: {
    summary: 'invite somebody to the organization',
    load: async () => (await import('./commands/invite.ts')).defineInvite,
    argument: true,
  },
  'invite accept': {
    summary: 'join an organization that you were invited to',
    load: async () => (await import('./commands/invite/accept.ts')).defineAccept,
  },
  'deploy-keys': {
    summary: 'list the keys of the organization for CI',
    load: async () => (await import('./commands/deploy-keys.ts')).defineDeployKeys,
  },
  'deploy-keys create': {
    summary: 'make a key for CI; it is shown once',
    load: async () => (await import('./commands/deploy-keys/create.ts')).defineCreate,
  },
  'deploy-keys revoke': {
    summary: 'end a key for CI at once',
    load: async () => (await import('./commands/deploy-keys/revoke.ts')).defineRevoke,
  },
  audit: {
    summary: 'list what was done, by whom, and how it ended',
    load: async () => (await import('./commands/audit.ts')).defineAudit,
  },
  'audit export': {
    summary: 'write the audit log to a file that can be checked anywhere',
    load: async () => (await import('./commands/audit/export.ts')).defineExport,
  },
  'audit verify': {
    summary: 'check that an exported audit log is whole and unchanged',
    load: async () => (await import('./commands/audit/verify.ts')).defineVerify,
  },
  'audit compare': {
    summary: "hold the Console's log of a Rack against the Rack's own",
    load: async () => (await import('./commands/audit/compare.ts')).defineCompare,
  },
  version: {
    summary: 'print the version of convox',
    load: async () => (await import('./commands/version.ts')).defineVersion,
  },
}
