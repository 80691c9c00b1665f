import type { RackEntry } from '../directory.ts'
import { rackPath, settingsPath } from './rack-path.ts'

export interface RackHeadProps {
  rack: RackEntry
  current: 'overview' | 'settings'
}

/** The name of a Rack and the way between its pages. */
export function RackHead({ rack, current }: RackHeadProps) {
  return (
    <>
      <h1 class="rack-name">
        <span class="organization">{rack.organization.name}/</span>
        {rack.name}
      </h1>
      <nav class="tabs" aria-label="Rack">
        <a href={rackPath(rack)} aria-current={current === 'overview' ? 'page' : undefined}>
          Overview
        </a>
        <a href={settingsPath(rack)} aria-current={current === 'settings' ? 'page' : undefined}>
          Settings
        </a>
      </nav>
    </>
  )
}
