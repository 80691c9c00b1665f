import type { AccountView } from '../http/account-view.ts'
import { AccountHead } from './account-head.tsx'
import { Copyable } from './copyable.tsx'
import { LastUsed } from './last-used.tsx'
import { Layout } from './layout.tsx'
import { Time } from './time.tsx'

/** What is known of a person's key, and the way to another one. */
export function ApiKeyPage({ account }: { account: AccountView }) {
  const { email, apiKey } = account
  return (
    <Layout title="API Key" email={email} current="account">
      <AccountHead current="api-key" />
      <section class="panel" aria-labelledby="key-title">
        <h2 id="key-title">Your API key</h2>
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
            <dd>
              <LastUsed use={apiKey.lastUse} />
            </dd>
          </div>
        </dl>
        <p>It cannot be looked up. Lost it? Make another one, which ends this one:</p>
        <p>
          <a class="button" href="/account/api-key/regenerate">
            Regenerate API Key
          </a>
        </p>
        <p class="note">The same from a terminal that is logged in:</p>
        <Copyable id="roll-line" label="command to regenerate" text="convox auth roll" command />
      </section>
    </Layout>
  )
}

/** `cvxu_…abcd`: enough to recognise a key by. */
export function maskedKey(lastFour: string): string {
  return `cvxu_…${lastFour}`
}
