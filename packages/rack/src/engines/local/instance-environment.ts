import { existsSync } from 'node:fs'
import { childEnvironment } from '@keyrack/server'
import { markVariables, type ProcessMark } from './process-mark.ts'

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const SHELLS = ['/bin/bash', '/bin/sh']

/**
 * Everything that an instance and its sessions see. The list of allowed names is applied here too,
 * so that a server which hands over its own environment by mistake still leaks nothing. The shell
 * is not the one of the server's user, whose settings are not in the instance's home.
 */
export function instanceEnvironment(
  given: Readonly<Record<string, string | undefined>>,
  home: string,
  mark: Required<ProcessMark>,
): Record<string, string> {
  const extra = {
    PATH: given.PATH || DEFAULT_PATH,
    HOME: home,
    SHELL: SHELLS.find((shell) => existsSync(shell)),
    ...markVariables(mark),
  }
  return childEnvironment(given, [], extra)
}
