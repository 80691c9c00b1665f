import type { Member } from '../organizations/list-members.ts'
import { ROLES } from '../organizations/roles.ts'
import { Alert } from './alert.tsx'
import { Choice } from './choice.tsx'
import { Copyable } from './copyable.tsx'
import { Field } from './field.tsx'
import type { FormFailure } from './form-failure.ts'
import { Layout } from './layout.tsx'
import { ROLE_WORDS } from './members-page.tsx'
import { membersPath, OrganizationHead } from './organization-head.tsx'

export const MEMBER_FIELDS = ['role', 'typed'] as const

export interface MemberPageProps {
  self: { id: string; email: string }
  organization: string
  administers: boolean
  member: Member
  values: ReadonlyMap<string, string> | undefined
  failure: FormFailure | undefined
}

/** One member: the role, and the end of the membership. */
export function MemberPage(props: MemberPageProps) {
  const { self, organization, administers, member, values, failure } = props
  const problem = (field: string) => (failure?.field === field ? failure.text : undefined)
  const path = `${membersPath(organization)}/${encodeURIComponent(member.id)}`
  const own = member.id === self.id
  return (
    <Layout title={member.email} email={self.email} current="account">
      <OrganizationHead organization={organization} current="members" />
      {failure !== undefined && failure.field === undefined ? (
        <Alert>
          <p>{failure.text}</p>
        </Alert>
      ) : null}
      {administers ? (
        <section class="panel" aria-labelledby="role-title">
          <h2 id="role-title">Role of {member.email}</h2>
          <form method="post" action={`${path}/role`} novalidate>
            <Choice
              label="Role"
              name="role"
              options={ROLES.map((role) => [role, ROLE_WORDS[role]])}
              chosen={values?.get('role') ?? member.role}
              hint="It counts at once, for what they do through their key as well."
              error={problem('role')}
            />
            <button type="submit">Change the role</button>
          </form>
          <p class="note after">The same from your terminal:</p>
          <Copyable
            id="role-line"
            label="command to change the role"
            text={`convox members role ${member.email} ROLE --organization ${organization}`}
            command
          />
        </section>
      ) : null}
      <section class="panel" aria-labelledby="remove-title">
        <h2 id="remove-title">
          {own ? `Leave ${organization}` : `Remove ${member.email} from ${organization}`}
        </h2>
        <p>
          {own ? 'Your' : 'Their'} key reaches none of its Racks any more, at once. The account
          stays, and an invitation brings {own ? 'you' : 'them'} back. Deploy keys{' '}
          {own ? 'that you made' : 'that they made'} go on working until they are revoked.
        </p>
        <form method="post" action={`${path}/remove`} novalidate>
          <Field
            label={`Type ${member.email} to confirm`}
            name="typed"
            autocomplete="off"
            error={problem('typed')}
            focus={problem('typed') !== undefined}
            literal
          />
          <div class="choices">
            <a class="button" href={membersPath(organization)}>
              Keep {own ? 'the membership' : 'the member'}
            </a>
            <button class="danger" type="submit">
              {own ? `Leave ${organization}` : 'Remove the member'}
            </button>
          </div>
        </form>
        <p class="note after">The same from your terminal:</p>
        <Copyable
          id="remove-line"
          label="command to remove"
          text={`convox members remove ${member.email} --organization ${organization}`}
          command
        />
      </section>
    </Layout>
  )
}
