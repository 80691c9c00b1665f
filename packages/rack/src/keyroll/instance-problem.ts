import { HostKeyChanged } from '../instances/known-instances.ts'
import { LoginRefused } from '../instances/log-in.ts'

/** Why one instance could not be rolled, in words for people. */
export class InstanceProblem extends Error {
  override readonly name = 'InstanceProblem'
}

/** What to tell people about a failure at an instance; the reason itself belongs into the log. */
export function describeProblem(error: unknown): string {
  if (error instanceof InstanceProblem) return error.message
  if (error instanceof HostKeyChanged) return 'it shows another SSH host key than before'
  if (error instanceof LoginRefused) return 'it refuses the SSH key of this Rack'
  return 'it is down'
}
