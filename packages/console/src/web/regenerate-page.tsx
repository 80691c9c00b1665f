import type { AccountView } from '../http/account-view.ts'
import { maskedKey } from './account-page.tsx'
import { Layout } from './layout.tsx'

export function RegeneratePage({ account }: { account: AccountView }) {
  return (
    <Layout title="Regenerate API key" email={account.email} current="account">
      <h1>Regenerate your API key?</h1>
      <section class="panel">
        <p>
          The key <code>{maskedKey(account.apiKey.lastFour)}</code> stops working at once. This
          cannot be undone.
        </p>
        <ul>
          <li>Every terminal that is logged in with it is refused until you log in again.</li>
          <li>Every script and CI job that holds it fails until it gets the new key.</li>
          <li>Racks and what runs on them are not touched, and this browser stays signed in.</li>
        </ul>
        <form class="choices" method="post" action="/account/api-key">
          <a class="button" href="/account" autofocus>
            Keep the current key
          </a>
          <button class="danger" type="submit">
            Regenerate key
          </button>
        </form>
      </section>
    </Layout>
  )
}
