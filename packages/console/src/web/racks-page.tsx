import type { RackEntry } from '../directory.ts'
import { displayName } from '../proxy/find-rack.ts'
import { Copyable } from './copyable.tsx'
import { Layout } from './layout.tsx'
import { type LoginLine, LoginLines } from './login-lines.tsx'
import { rackPath } from './rack-path.ts'
import { RackState } from './rack-state.tsx'

export interface RacksPageProps {
  email: string
  racks: readonly RackEntry[]
  /** Where they may add one. */
  administered: readonly string[]
  login: LoginLine
}

export function RacksPage({ email, racks, administered, login }: RacksPageProps) {
  return (
    <Layout title="Racks" email={email} current="racks">
      <h1>Racks</h1>
      {racks.length === 0 ? (
        <section class="panel empty">
          <h2>No Racks yet</h2>
          <p>
            Your organizations have no Rack. As soon as an administrator adds one, it appears here
            and in <code>convox racks</code>.
          </p>
          <p>
            Invited to one more organization? <a href="/join">Join it</a>
          </p>
        </section>
      ) : (
        <ul class="racks">
          {racks.map((rack, index) => (
            <RackCard rack={rack} index={index} />
          ))}
        </ul>
      )}
      {administered[0] === undefined ? null : <AddRack organization={administered[0]} />}
      <section class="panel" aria-labelledby="login-title">
        <h2 id="login-title">Connect a terminal</h2>
        <LoginLines {...login} />
      </section>
    </Layout>
  )
}

/** Both ways to a Rack are commands: its key is typed into a terminal, never into a page. */
function AddRack({ organization }: { organization: string }) {
  return (
    <section class="panel" aria-labelledby="add-title">
      <h2 id="add-title">Add a Rack</h2>
      <p>One that runs already, by its host name and its key:</p>
      <Copyable
        id="add-line"
        label="command to add a Rack"
        text={`convox racks add ${organization}/NAME --host HOST`}
        command
      />
      <p>A new one on a machine of yours, which is then added in the same way:</p>
      <Copyable
        id="install-line"
        label="command to install a Rack"
        text="convox install --name NAME"
        command
      />
    </section>
  )
}

function RackCard({ rack, index }: { rack: RackEntry; index: number }) {
  const name = displayName(rack)
  return (
    <li class="panel rack">
      <div class="rack-head">
        <h2>
          <a href={rackPath(rack)}>
            <span class="organization">{rack.organization.name}/</span>
            {rack.name}
          </a>
        </h2>
        <RackState rack={rack} />
      </div>
      <p class="facts">
        {rack.provider}
        {rack.local ? ' · on this machine' : ''}
        {rack.version === '' ? '' : ` · version ${rack.version}`}
      </p>
      <Copyable
        id={`rack-${index}`}
        label={`command for ${name}`}
        text={`convox switch ${name}`}
        command
      />
    </li>
  )
}
