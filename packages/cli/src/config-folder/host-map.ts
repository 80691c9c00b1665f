import { Failure } from '../failures.ts'
import type { ConfigFile, ConfigFolder } from './config-folder.ts'

/** Reads one of the files that hold a JSON object of host names and texts. */
export function readHostMap(folder: ConfigFolder, file: ConfigFile): Map<string, string> {
  const text = folder.read(file)
  return text === undefined ? new Map() : parseHostMap(text, folder.pathOf(file))
}

/** Official CLIs write the same: two spaces, no line break at the end (protocol.md 1.1). */
export function formatHostMap(map: ReadonlyMap<string, string>): string {
  return JSON.stringify(Object.fromEntries(map), null, 2)
}

function parseHostMap(text: string, path: string): Map<string, string> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's own message would quote the file, and with it keys.
    throw damaged(path, 'it is not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw damaged(path, 'it is not a JSON object of host names')
  }
  const map = new Map<string, string>()
  for (const [host, entry] of Object.entries(value)) {
    if (typeof entry !== 'string') throw damaged(path, `the entry for ${host} is not a text`)
    map.set(host, entry)
  }
  return map
}

function damaged(path: string, why: string): Failure {
  return new Failure(
    `${path} is damaged: ${why}; it was left as it is`,
    `repair it, or put it aside and log in again: mv ${path} ${path}.damaged`,
  )
}
