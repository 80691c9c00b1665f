import { Copyable } from './copyable.tsx'
import { Layout } from './layout.tsx'
import { type LoginLine, LoginLines } from './login-lines.tsx'

export interface ShownApiKeyPageProps {
  email: string
  /** In clear: this page is the one time that it is shown. */
  apiKey: string
  /** Whether the account is new, or its key was regenerated. */
  first: boolean
  login: LoginLine
}

export function ShownApiKeyPage({ email, apiKey, first, login }: ShownApiKeyPageProps) {
  return (
    <Layout title="Your API key" email={email}>
      <h1>{first ? 'Welcome. Here is your API key' : 'Your new API key'}</h1>
      <section class="panel key" aria-labelledby="key-title">
        <h2 id="key-title">Copy it now</h2>
        <p>
          It is not shown again. Keep it like a password: it opens every Rack you may use.
          {first ? null : ' The old key no longer works.'}
        </p>
        <Copyable id="api-key" label="API key" text={apiKey} />
      </section>
      <section class="panel" aria-labelledby="login-title">
        <h2 id="login-title">Log in from your terminal</h2>
        <LoginLines {...login} />
      </section>
      <p>
        <a class="button primary" href="/">
          Continue to your Racks
        </a>
      </p>
    </Layout>
  )
}
