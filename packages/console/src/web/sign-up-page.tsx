import { Alert } from './alert.tsx'
import { Field } from './field.tsx'
import type { FormFailure } from './form-failure.ts'
import { Layout } from './layout.tsx'

export const SIGN_UP_FIELDS = [
  'invitation',
  'email',
  'password',
  'organization',
  'setup_token',
] as const
export type SignUpField = (typeof SIGN_UP_FIELDS)[number]

export interface SignUpPageProps {
  /** The first account needs no invitation and founds the first organization. */
  first: boolean
  fields: readonly SignUpField[]
  values?: ReadonlyMap<string, string> | undefined
  failure?: FormFailure | undefined
}

export function SignUpPage({ first, fields, values, failure }: SignUpPageProps) {
  const field = (name: SignUpField) => ({
    name,
    value: values?.get(name),
    error: failure?.field === name ? failure.text : undefined,
    focus:
      failure === undefined ? name === (first ? 'email' : 'invitation') : failure.field === name,
  })
  return (
    <Layout title={first ? 'Set up' : 'Create your account'}>
      <div class="card">
        <h1>{first ? 'Set up your Console' : 'Create your account'}</h1>
        <p class="lead">
          {first
            ? 'The first account administers this server and owns its local Rack.'
            : 'Accounts are by invitation. Ask an administrator of your organization for one.'}
        </p>
        {failure !== undefined && failure.field === undefined ? (
          <Alert>
            <p>{failure.text}</p>
          </Alert>
        ) : null}
        <form method="post" action="/sign-up" novalidate>
          {first ? null : (
            <Field
              {...field('invitation')}
              label="Invitation"
              autocomplete="off"
              hint="The code, or the whole link you were sent."
              literal
            />
          )}
          <Field {...field('email')} label="Email" type="email" autocomplete="username" />
          <Field
            {...field('password')}
            label="Password"
            type="password"
            autocomplete="new-password"
            hint="15 characters or more. A few unrelated words work well."
          />
          <Field
            {...field('organization')}
            label={first ? 'Organization' : 'New organization'}
            autocomplete="organization"
            hint={
              first
                ? 'Your team’s short name. Racks appear as organization/rack.'
                : 'Only if your invitation is for founding one.'
            }
            required={first}
            literal
          />
          {fields.includes('setup_token') ? (
            <Field
              {...field('setup_token')}
              label="Setup token"
              autocomplete="off"
              literal
              hint="The server printed it when it started."
            />
          ) : null}
          <button class="primary" type="submit">
            Create account
          </button>
        </form>
        {first ? null : (
          <p class="aside">
            Have an account? <a href="/sign-in?to=%2Fjoin">Sign in</a> to join with it.
          </p>
        )}
      </div>
    </Layout>
  )
}
