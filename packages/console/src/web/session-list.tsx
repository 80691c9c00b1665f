import type { ListedSession } from '../sessions/list.ts'
import { Time } from './time.tsx'

export interface SessionListProps {
  sessions: readonly ListedSession[]
  /** The one that looks. */
  own: string | undefined
}

/** Where somebody is signed in, and the way to end what they do not know. */
export function SessionList({ sessions, own }: SessionListProps) {
  return (
    <section class="panel" aria-labelledby="sessions-title">
      <h2 id="sessions-title">Signed-in browsers</h2>
      <ul class="rows">
        {sessions.map(({ id, address, createdAt, lastUsedAt }) => (
          <li>
            <span>
              {address}
              {id === own ? <strong> · this browser</strong> : null}
              <span class="line muted">
                since <Time at={createdAt} />, last used <Time at={lastUsedAt} />
              </span>
            </span>
          </li>
        ))}
      </ul>
      {sessions.length < 2 ? (
        <p class="note">There is no other one.</p>
      ) : (
        <form class="choices" method="post" action="/account/sign-out-others">
          <button type="submit">Sign out the others</button>
        </form>
      )}
    </section>
  )
}
