import type { Role } from '../directory.ts'
import type { Member } from '../organizations/list-members.ts'
import { ROLES } from '../organizations/roles.ts'
import { Alert } from './alert.tsx'
import { Choice } from './choice.tsx'
import { Copyable } from './copyable.tsx'
import { Field } from './field.tsx'
import type { FormFailure } from './form-failure.ts'
import { Layout } from './layout.tsx'
import { membersPath, OrganizationHead } from './organization-head.tsx'
import { Time } from './time.tsx'

/** What each role is for, shorter than it is in the documentation. */
export const ROLE_WORDS: Readonly<Record<Role, string>> = {
  administrator: 'administrator: everything',
  operator: 'operator: writes and runs code',
  developer: 'developer: writes',
  viewer: 'viewer: reads',
}

export const INVITE_FIELDS = ['email', 'role'] as const

export interface MembersPageProps {
  /** Of whoever looks. */
  self: { id: string; email: string }
  organization: string
  /** Whether they may invite, and change others. */
  administers: boolean
  members: readonly Member[]
  values: ReadonlyMap<string, string> | undefined
  failure: FormFailure | undefined
}

export function MembersPage(props: MembersPageProps) {
  const { self, organization, administers, members, values, failure } = props
  return (
    <Layout title={`Members of ${organization}`} email={self.email} current="account">
      <OrganizationHead organization={organization} current="members" />
      {failure !== undefined && failure.field === undefined ? (
        <Alert>
          <p>{failure.text}</p>
        </Alert>
      ) : null}
      <section class="panel" aria-labelledby="members-title">
        <h2 id="members-title">Members</h2>
        <ul class="rows">
          {members.map((member) => (
            <li>
              <span>
                {member.email}
                <span class="line muted">
                  {member.role} since <Time at={member.joinedAt} />
                </span>
              </span>
              {administers || member.id === self.id ? (
                <a
                  class="button"
                  href={`${membersPath(organization)}/${encodeURIComponent(member.id)}`}
                  aria-label={`${administers ? 'Change' : 'Leave'} ${administers ? member.email : organization}`}
                >
                  {administers ? 'Change…' : 'Leave…'}
                </a>
              ) : null}
            </li>
          ))}
        </ul>
      </section>
      {administers ? (
        <InviteForm organization={organization} values={values} failure={failure} />
      ) : (
        <p class="note">Administrators of {organization} invite and remove members.</p>
      )}
    </Layout>
  )
}

function InviteForm({
  organization,
  values,
  failure,
}: Pick<MembersPageProps, 'organization' | 'values' | 'failure'>) {
  const problem = (field: string) => (failure?.field === field ? failure.text : undefined)
  return (
    <section class="panel" aria-labelledby="invite-title">
      <h2 id="invite-title">Invite somebody</h2>
      <form method="post" action={`${membersPath(organization)}/invite`} novalidate>
        <Field
          label="Email"
          name="email"
          type="email"
          autocomplete="off"
          hint="Only they can use the invitation then. Without it, whoever has the link can."
          required={false}
          value={values?.get('email')}
          error={problem('email')}
          focus={problem('email') !== undefined}
        />
        <Choice
          label="Role"
          name="role"
          options={ROLES.map((role) => [role, ROLE_WORDS[role]])}
          chosen={values?.get('role') ?? 'developer'}
          error={problem('role')}
        />
        <button class="primary" type="submit">
          Make an invitation
        </button>
      </form>
      <p class="note after">The same from your terminal:</p>
      <Copyable
        id="invite-line"
        label="command to invite"
        text={`convox invite EMAIL --organization ${organization}`}
        command
      />
    </section>
  )
}
