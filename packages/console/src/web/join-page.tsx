import { Alert } from './alert.tsx'
import { Copyable } from './copyable.tsx'
import { Field } from './field.tsx'
import type { FormFailure } from './form-failure.ts'
import { Layout } from './layout.tsx'

export const JOIN_FIELDS = ['invitation', 'organization'] as const

export interface JoinPageProps {
  email: string
  values: ReadonlyMap<string, string> | undefined
  failure: FormFailure | undefined
}

/** For somebody who has an account and is invited to one more organization. */
export function JoinPage({ email, values, failure }: JoinPageProps) {
  const problem = (field: string) => (failure?.field === field ? failure.text : undefined)
  return (
    <Layout title="Join an organization" email={email} current="account">
      <h1>Join an organization</h1>
      {failure !== undefined && failure.field === undefined ? (
        <Alert>
          <p>{failure.text}</p>
        </Alert>
      ) : null}
      <section class="panel">
        <p>You join as {email}. Your API key stays the same and reaches its Racks as well.</p>
        <form method="post" action="/join" novalidate>
          <Field
            label="Invitation"
            name="invitation"
            autocomplete="off"
            hint="The code, or the whole link you were sent."
            value={values?.get('invitation')}
            error={problem('invitation')}
            focus={problem('organization') === undefined}
            literal
          />
          <Field
            label="New organization"
            name="organization"
            autocomplete="organization"
            hint="Only if your invitation is for founding one."
            required={false}
            value={values?.get('organization')}
            error={problem('organization')}
            focus={problem('organization') !== undefined}
            literal
          />
          <button class="primary" type="submit">
            Join
          </button>
        </form>
        <p class="note after">The same from your terminal:</p>
        <Copyable id="join-line" label="command to join" text="convox invite accept" command />
      </section>
    </Layout>
  )
}
