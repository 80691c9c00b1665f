import type { ListedDeployKey } from '../deploy-keys/list-deploy-keys.ts'
import { Alert } from './alert.tsx'
import { Copyable } from './copyable.tsx'
import { Field } from './field.tsx'
import type { FormFailure } from './form-failure.ts'
import { Layout } from './layout.tsx'
import { deployKeysPath, OrganizationHead } from './organization-head.tsx'

export interface RevokePageProps {
  email: string
  organization: string
  deployKey: ListedDeployKey
  failure: FormFailure | undefined
}

export function RevokePage({ email, organization, deployKey, failure }: RevokePageProps) {
  const { id, name, lastFour } = deployKey
  const path = deployKeysPath(organization)
  return (
    <Layout title={`Revoke ${name}`} email={email} current="account">
      <OrganizationHead organization={organization} current="deploy-keys" />
      {failure !== undefined && failure.field === undefined ? (
        <Alert>
          <p>{failure.text}</p>
        </Alert>
      ) : null}
      <section class="panel" aria-labelledby="revoke-title">
        <h2 id="revoke-title">Revoke {name}?</h2>
        <p>
          The key <code>{`cvxd_…${lastFour}`}</code> is refused at once, and every job that holds it
          fails until it gets another. This cannot be undone.
        </p>
        <form method="post" action={`${path}/${encodeURIComponent(id)}/revoke`} novalidate>
          <Field
            label={`Type ${name} to confirm`}
            name="typed"
            autocomplete="off"
            error={failure?.field === 'typed' ? failure.text : undefined}
            focus={failure?.field === 'typed'}
            literal
          />
          <div class="choices">
            <a class="button" href={path}>
              Keep the key
            </a>
            <button class="danger" type="submit">
              Revoke the key
            </button>
          </div>
        </form>
        <p class="note after">The same from your terminal:</p>
        <Copyable
          id="revoke-line"
          label="command to revoke"
          text={`convox deploy-keys revoke ${name} --organization ${organization}`}
          command
        />
      </section>
    </Layout>
  )
}
