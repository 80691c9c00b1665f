import { Alert } from './alert.tsx'
import { Field } from './field.tsx'
import type { FormFailure } from './form-failure.ts'
import { Layout } from './layout.tsx'

export interface SignInPageProps {
  email?: string | undefined
  failure?: FormFailure | undefined
  /** The page that was asked for. */
  to?: string | undefined
  /** A form arrived without a session. */
  unsent?: boolean
  /** The browser came back from signing in without the cookie. */
  cookieLost?: boolean
}

export function SignInPage(props: SignInPageProps) {
  const { email, failure, to, unsent = false, cookieLost = false } = props
  return (
    <Layout title="Sign in">
      <div class="card">
        <h1>Sign in</h1>
        {cookieLost ? (
          <Alert>
            <p>
              Your browser did not keep the session cookie. It does so only over https, and some
              browsers also on localhost: open this Console by its https address.
            </p>
          </Alert>
        ) : null}
        {unsent ? (
          <Alert>
            <p>You were signed out, so nothing was done. Sign in, and send it once more.</p>
          </Alert>
        ) : null}
        {failure !== undefined && failure.field === undefined ? (
          <Alert>
            <p>{failure.text}</p>
          </Alert>
        ) : null}
        <form method="post" action="/sign-in" novalidate>
          {to === undefined ? null : <input type="hidden" name="to" value={to} />}
          <Field
            label="Email"
            name="email"
            type="email"
            autocomplete="username"
            value={email}
            error={failure?.field === 'email' ? failure.text : undefined}
            focus={email === undefined || failure?.field === 'email'}
          />
          <Field
            label="Password"
            name="password"
            type="password"
            autocomplete="current-password"
            error={failure?.field === 'password' ? failure.text : undefined}
            focus={email !== undefined && failure?.field !== 'email'}
          />
          <button class="primary" type="submit">
            Sign in
          </button>
        </form>
        <p class="aside">
          Have an invitation? <a href="/sign-up">Create your account</a>
        </p>
      </div>
    </Layout>
  )
}
