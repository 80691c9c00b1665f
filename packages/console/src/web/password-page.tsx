import { AccountHead } from './account-head.tsx'
import { Alert } from './alert.tsx'
import { Field } from './field.tsx'
import type { FormFailure } from './form-failure.ts'
import { Layout } from './layout.tsx'

export const PASSWORD_FIELDS = ['current', 'password'] as const

export interface PasswordPageProps {
  email: string
  failure: FormFailure | undefined
}

export function PasswordPage({ email, failure }: PasswordPageProps) {
  const problem = (field: string) => (failure?.field === field ? failure.text : undefined)
  return (
    <Layout title="Password" email={email} current="account">
      <AccountHead current="password" />
      {failure !== undefined && failure.field === undefined ? (
        <Alert>
          <p>{failure.text}</p>
        </Alert>
      ) : null}
      <section class="panel" aria-labelledby="password-title">
        <h2 id="password-title">Change your password</h2>
        <p>
          Every other browser is signed out. Your API key is left as it is: if somebody else may
          have seen it, <a href="/account/api-key">regenerate it</a> as well.
        </p>
        <form method="post" action="/account/password" novalidate>
          {/* For the password manager, which would not know whose password this is. */}
          <input type="hidden" name="username" autocomplete="username" value={email} />
          <Field
            label="Current password"
            name="current"
            type="password"
            autocomplete="current-password"
            error={problem('current')}
            focus={problem('current') !== undefined}
          />
          <Field
            label="New password"
            name="password"
            type="password"
            autocomplete="new-password"
            hint="15 characters or more. A few unrelated words work well."
            error={problem('password')}
            focus={problem('password') !== undefined}
          />
          <button class="primary" type="submit">
            Change the password
          </button>
        </form>
      </section>
    </Layout>
  )
}
