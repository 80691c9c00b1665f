import type { Client, ClientChannel } from 'ssh2'
import {
  type AuthorizedKeysChange,
  authorizedKeysScript,
  describeOutcome,
  readOutcome,
  SHELL_COMMAND,
} from './authorized-keys-script.ts'
import { InstanceProblem } from './instance-problem.ts'

const OUTPUT_MAX = 16 * 1024

/** Changes the authorized_keys of the instance that `client` is logged in to, or throws a problem. */
export async function changeAuthorizedKeys(
  client: Client,
  change: AuthorizedKeysChange,
  signal: AbortSignal,
): Promise<void> {
  const output = await run(client, authorizedKeysScript(change), signal)
  const outcome = readOutcome(output)
  if (outcome === undefined) throw new InstanceProblem('its shell does not run our commands')
  if (outcome !== 'ok') throw new InstanceProblem(describeOutcome(outcome))
}

function run(client: Client, script: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const failed = (reason: unknown): void => {
      signal.removeEventListener('abort', aborted)
      reject(reason)
    }
    const aborted = (): void => failed(signal.reason)
    signal.addEventListener('abort', aborted, { once: true })
    if (signal.aborted) return aborted()
    const lost = (cause?: Error): void =>
      failed(new InstanceProblem('the connection to it broke off', { cause }))
    client.once('close', () => lost())
    client.exec(SHELL_COMMAND, (error: Error | undefined, channel: ClientChannel) => {
      if (error !== undefined) return lost(error)
      let output = ''
      channel.on('data', (chunk: Buffer) => {
        // What an account prints at each login may be anything; the word we look for comes last.
        output = (output + chunk.toString('latin1')).slice(-OUTPUT_MAX)
      })
      channel.stderr.resume()
      channel.once('close', () => {
        signal.removeEventListener('abort', aborted)
        resolve(output)
      })
      channel.end(script)
    })
  })
}
