import { Alert } from './alert.tsx'
import { Field } from './field.tsx'
import type { FormFailure } from './form-failure.ts'
import { Layout } from './layout.tsx'

export interface SignInPageProps {
  email?: string | undefined
  failure?: FormFailure | undefined
  /** The browser came back from signing in without the cookie. */
  cookieLost?: boolean
}

export function SignInPage({ email, failure, cookieLost = false }: SignInPageProps) {
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
        {failure !== undefined && failure.field === undefined ? (
          <Alert>
            <p>{failure.text}</p>
          </Alert>
        ) : null}
        <form method="post" action="/sign-in" novalidate>
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
