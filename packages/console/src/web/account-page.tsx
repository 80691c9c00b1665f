import type { AccountView } from '../http/account-view.ts'
import { AccountHead } from './account-head.tsx'
import { Layout } from './layout.tsx'
import { membersPath } from './organization-head.tsx'
import { SessionList, type SessionListProps } from './session-list.tsx'

export interface AccountPageProps extends SessionListProps {
  account: AccountView
}

export function AccountPage({ account, sessions, own }: AccountPageProps) {
  const { email, organizations } = account
  return (
    <Layout title="Account" email={email} current="account">
      <AccountHead current="you" />
      <section class="panel" aria-labelledby="person-title">
        <h2 id="person-title">You</h2>
        <dl>
          <div>
            <dt>Email</dt>
            <dd>{email}</dd>
          </div>
          <div>
            <dt>{organizations.length === 1 ? 'Organization' : 'Organizations'}</dt>
            <dd>
              {organizations.length === 0 ? <span class="muted">none</span> : null}
              {organizations.map(({ name, role }) => (
                <span class="line">
                  <a href={membersPath(name)}>{name}</a> <span class="muted">as {role}</span>
                </span>
              ))}
            </dd>
          </div>
          {account.serverAdministrator ? (
            <div>
              <dt>Server</dt>
              <dd>You administer this server.</dd>
            </div>
          ) : null}
        </dl>
        <p>
          <a class="button" href="/join">
            Join an organization
          </a>
        </p>
      </section>
      <SessionList sessions={sessions} own={own} />
    </Layout>
  )
}
