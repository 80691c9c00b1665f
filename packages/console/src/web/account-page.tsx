import type { AccountView } from '../http/account-view.ts'
import type { LastUse } from '../key-uses/last-uses.ts'
import { Layout } from './layout.tsx'
import { membersPath } from './organization-head.tsx'
import { Time } from './time.tsx'

export function AccountPage({ account }: { account: AccountView }) {
  const { email, organizations, apiKey } = account
  return (
    <Layout title="Account" email={email} current="account">
      <h1>Account</h1>
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
      </section>
      <section class="panel" aria-labelledby="key-title">
        <h2 id="key-title">API key</h2>
        <dl>
          <div>
            <dt>Key</dt>
            <dd>
              <code>{maskedKey(apiKey.lastFour)}</code>
            </dd>
          </div>
          <div>
            <dt>Created</dt>
            <dd>
              <Time at={apiKey.createdAt} />
            </dd>
          </div>
          <div>
            <dt>Last used</dt>
            <dd>{apiKey.lastUse === null ? 'never used' : <LastUsed use={apiKey.lastUse} />}</dd>
          </div>
        </dl>
        <p>
          <a class="button" href="/account/api-key">
            Regenerate…
          </a>
        </p>
      </section>
    </Layout>
  )
}

/** `cvxu_…abcd`: enough to recognise a key by. */
export function maskedKey(lastFour: string): string {
  return `cvxu_…${lastFour}`
}

function LastUsed({ use }: { use: LastUse }) {
  return (
    <>
      <span class="line">
        <Time at={use.at} />
      </span>
      <span class="line muted">
        from {use.address}
        {use.client === '' ? '' : ` by ${use.client}`}
      </span>
    </>
  )
}
