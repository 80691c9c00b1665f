import type { Invitation } from '../organizations/invite.ts'
import { Copyable } from './copyable.tsx'
import { Layout } from './layout.tsx'
import { membersPath, OrganizationHead } from './organization-head.tsx'
import { Time } from './time.tsx'

export interface InvitedPageProps {
  email: string
  organization: string
  invitation: Invitation
  /** The code is in it, in clear: this page is the one time that it is shown. */
  url: string
}

export function InvitedPage({ email, organization, invitation, url }: InvitedPageProps) {
  return (
    <Layout title="An invitation" email={email} current="account">
      <OrganizationHead organization={organization} current="members" />
      <section class="panel key" aria-labelledby="link-title">
        <h2 id="link-title">Send this link</h2>
        <p>
          It is not shown again. It is good once, until <Time at={invitation.expiresAt} />, for{' '}
          {invitation.email ?? 'whoever has it'}, who becomes {invitation.role} of {organization}.
        </p>
        <Copyable id="invitation-link" label="invitation link" text={url} />
        <p class="note">
          With an account already, they open it where they are signed in, or run{' '}
          <code>convox invite accept</code> and paste it.
        </p>
      </section>
      <p>
        <a class="button" href={membersPath(organization)}>
          Back to the members
        </a>
      </p>
    </Layout>
  )
}
