import { DEPLOY_COMMANDS } from '@keyrack/protocol'
import type { ListedDeployKey } from '../deploy-keys/list-deploy-keys.ts'
import { Alert } from './alert.tsx'
import { Choice } from './choice.tsx'
import { CommandNames } from './command-names.tsx'
import { Copyable } from './copyable.tsx'
import { Field } from './field.tsx'
import type { FormFailure } from './form-failure.ts'
import { LastUsed } from './last-used.tsx'
import { Layout } from './layout.tsx'
import { deployKeysPath, OrganizationHead } from './organization-head.tsx'
import { Time } from './time.tsx'

export const CREATE_FIELDS = ['name', 'expires_in_days'] as const

const EXPIRIES = [
  ['30', 'in 30 days'],
  ['90', 'in 90 days'],
  ['365', 'in a year'],
  ['never', 'never'],
] as const

export interface DeployKeysPageProps {
  email: string
  organization: string
  /** Or why this person may not see them. */
  keys: readonly ListedDeployKey[] | string
  /** In milliseconds since 1970. */
  now: number
  values: ReadonlyMap<string, string> | undefined
  failure: FormFailure | undefined
}

export function DeployKeysPage(props: DeployKeysPageProps) {
  const { email, organization, keys, now, values, failure } = props
  return (
    <Layout title={`Deploy keys of ${organization}`} email={email} current="account">
      <OrganizationHead organization={organization} current="deploy-keys" />
      {failure !== undefined && failure.field === undefined ? (
        <Alert>
          <p>{failure.text}</p>
        </Alert>
      ) : null}
      <section class="panel" aria-labelledby="keys-title">
        <h2 id="keys-title">Deploy keys</h2>
        <p>
          For CI. Each belongs to no person, and is good for a few commands on the Racks of{' '}
          {organization}: <CommandNames names={DEPLOY_COMMANDS} />.
        </p>
        {typeof keys === 'string' ? <p>{keys}</p> : <Keys {...{ organization, keys, now }} />}
      </section>
      {typeof keys === 'string' ? null : (
        <CreateForm organization={organization} values={values} failure={failure} />
      )}
    </Layout>
  )
}

interface KeysProps {
  organization: string
  keys: readonly ListedDeployKey[]
  now: number
}

function Keys({ organization, keys, now }: KeysProps) {
  if (keys.length === 0) return <p class="muted">There are none.</p>
  return (
    <ul class="rows">
      {keys.map((key) => (
        <li>
          <span>
            {key.name} <code class="muted">{`cvxd_…${key.lastFour}`}</code>
            <span class="line muted">
              made by {key.createdBy} on <Time at={key.createdAt} />
            </span>
            <span class="line muted">
              <Expiry at={key.expiresAt} now={now} />
            </span>
            <span class="line muted">
              {key.lastUse === null ? '' : 'last used '}
              <LastUsed use={key.lastUse} />
            </span>
          </span>
          <a
            class="button"
            href={`${deployKeysPath(organization)}/${encodeURIComponent(key.id)}`}
            aria-label={`Revoke ${key.name}`}
          >
            Revoke…
          </a>
        </li>
      ))}
    </ul>
  )
}

function Expiry({ at, now }: { at: number | null; now: number }) {
  if (at === null) return <>never expires</>
  return (
    <>
      {at <= now ? 'expired' : 'expires'} <Time at={at} />
    </>
  )
}

function CreateForm({
  organization,
  values,
  failure,
}: Pick<DeployKeysPageProps, 'organization' | 'values' | 'failure'>) {
  const problem = (field: string) => (failure?.field === field ? failure.text : undefined)
  return (
    <section class="panel" aria-labelledby="create-title">
      <h2 id="create-title">Make a deploy key</h2>
      <form method="post" action={`${deployKeysPath(organization)}/create`} novalidate>
        <Field
          label="Name"
          name="name"
          autocomplete="off"
          hint="What uses it, like github-actions."
          value={values?.get('name')}
          error={problem('name')}
          focus={problem('name') !== undefined}
          literal
        />
        <Choice
          label="Expires"
          name="expires_in_days"
          options={EXPIRIES}
          chosen={values?.get('expires_in_days') ?? '90'}
          hint="A key that was forgotten ends by itself."
          error={problem('expires_in_days')}
        />
        <button class="primary" type="submit">
          Make the key
        </button>
      </form>
      <p class="note after">The same from your terminal:</p>
      <Copyable
        id="create-line"
        label="command to make a key"
        text={`convox deploy-keys create NAME --organization ${organization}`}
        command
      />
    </section>
  )
}
