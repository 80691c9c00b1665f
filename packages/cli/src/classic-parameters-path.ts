import type { System } from '@keyrack/protocol/resources'

/** Where a Rack of the first generation has its parameters: as those of an app with its name. */
export function classicParametersPath({ name }: Pick<System, 'name'>): string {
  return `/apps/${encodeURIComponent(name)}/parameters`
}
