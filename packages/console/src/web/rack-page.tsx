import type { RackEntry } from '../directory.ts'
import { displayName } from '../proxy/find-rack.ts'
import { Copyable } from './copyable.tsx'
import { Layout } from './layout.tsx'
import { RackHead } from './rack-head.tsx'
import { RackState, rackStateSentence } from './rack-state.tsx'

export function RackPage({ email, rack }: { email: string; rack: RackEntry }) {
  const name = displayName(rack)
  return (
    <Layout title={name} email={email} current="racks">
      <RackHead rack={rack} current="overview" />
      <section class="panel" aria-labelledby="facts-title">
        <h2 id="facts-title">This Rack</h2>
        <dl>
          <div>
            <dt>Status</dt>
            <dd>
              <RackState rack={rack} />
              <span class="line muted">{rackStateSentence(rack)}</span>
            </dd>
          </div>
          <div>
            <dt>Provider</dt>
            <dd>
              {rack.provider}
              {rack.local ? <span class="muted"> · on this machine</span> : null}
            </dd>
          </div>
          <div>
            <dt>Version</dt>
            <dd>{rack.version === '' ? <span class="muted">not known</span> : rack.version}</dd>
          </div>
        </dl>
      </section>
      <section class="panel" aria-labelledby="use-title">
        <h2 id="use-title">Use it from your terminal</h2>
        <Copyable
          id="switch-line"
          label={`command for ${name}`}
          text={`convox switch ${name}`}
          command
        />
        <p class="note">You need no key of this Rack: the Console has it and puts it in for you.</p>
      </section>
    </Layout>
  )
}
