/** Not below `/organizations`: that belongs to the protocol (http/ownership.ts). */
export function membersPath(organization: string): string {
  return `/members/${encodeURIComponent(organization)}`
}

/** The name of an organization above its pages. */
export function OrganizationHead({ organization }: { organization: string }) {
  return (
    <>
      <h1 class="rack-name">{organization}</h1>
      <nav class="tabs" aria-label="Organization">
        <a href={membersPath(organization)} aria-current="page">
          Members
        </a>
      </nav>
    </>
  )
}
