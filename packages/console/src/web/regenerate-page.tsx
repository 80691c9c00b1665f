import type { AccountView } from '../http/account-view.ts'
import { maskedKey } from './api-key-page.tsx'
import { Field } from './field.tsx'
import { Layout } from './layout.tsx'

interface RegenerateProps {
  account: AccountView
  /** Of this form: sent twice, it makes one key. */
  roll: string
}

export function RegeneratePage({ account, roll }: RegenerateProps) {
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
          <input type="hidden" name="roll" value={roll} />
          <a class="button" href="/account/api-key" autofocus>
            Keep the current key
          </a>
          <button class="danger" type="submit">
            Regenerate API Key
          </button>
        </form>
      </section>
    </Layout>
  )
}

/** The form was sent before: the key that it made is shown once more, to whoever has the password. */
export function ShowAgainPage({
  account,
  roll,
  problem,
}: RegenerateProps & { problem: string | undefined }) {
  return (
    <Layout title="Show the new API key again" email={account.email} current="account">
      <h1>Your key was regenerated already</h1>
      <section class="panel">
        <p>
          The new key is <code>{maskedKey(account.apiKey.lastFour)}</code>. If you did not see it,
          give your password: it is shown again until it is used for the first time, for a day at
          most.
        </p>
        <form method="post" action="/account/api-key">
          <input type="hidden" name="roll" value={roll} />
          <Field
            label="Password"
            name="password"
            type="password"
            autocomplete="current-password"
            error={problem}
            focus
          />
          <button class="primary" type="submit">
            Show the key
          </button>
        </form>
      </section>
    </Layout>
  )
}
