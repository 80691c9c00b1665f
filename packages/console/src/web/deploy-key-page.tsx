import { DEPLOY_COMMANDS } from '@keyrack/protocol'
import type { CreatedDeployKey } from '../deploy-keys/create-deploy-key.ts'
import type { Login } from '../http/app.ts'
import { CommandNames } from './command-names.tsx'
import { Copyable } from './copyable.tsx'
import { Layout } from './layout.tsx'
import { deployKeysPath, OrganizationHead } from './organization-head.tsx'
import { Time } from './time.tsx'

export interface DeployKeyPageProps {
  email: string
  made: CreatedDeployKey
  login: Login
}

/** A key that was made; this page is the one time that it is shown. */
export function DeployKeyPage({ email, made, login }: DeployKeyPageProps) {
  const organization = made.organization.name
  return (
    <Layout title="A deploy key" email={email} current="account">
      <OrganizationHead organization={organization} current="deploy-keys" />
      <section class="panel key" aria-labelledby="key-title">
        <h2 id="key-title">Copy {made.name} now</h2>
        <p>
          It is not shown again.{' '}
          {made.expiresAt === null ? (
            'It never expires.'
          ) : (
            <>
              It expires <Time at={made.expiresAt} />.
            </>
          )}
        </p>
        <Copyable id="deploy-key" label="deploy key" text={made.key.reveal()} />
      </section>
      <section class="panel" aria-labelledby="ci-title">
        <h2 id="ci-title">In your CI</h2>
        <p>
          Keep the key as a secret with the name <code>CONVOX_PASSWORD</code>, and set:
        </p>
        <Copyable
          id="ci-line"
          label="line for CI"
          text={`export CONVOX_HOST=${login.host}`}
          command
        />
        <p class="note">
          It is good for: <CommandNames names={DEPLOY_COMMANDS} />.
        </p>
      </section>
      <p>
        <a class="button" href={deployKeysPath(organization)}>
          Back to the deploy keys
        </a>
      </p>
    </Layout>
  )
}
