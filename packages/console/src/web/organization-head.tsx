export interface OrganizationHeadProps {
  organization: string
  current: 'members' | 'deploy-keys'
}

/** Not below `/organizations`: that belongs to the protocol (http/ownership.ts). */
export function membersPath(organization: string): string {
  return `/members/${encodeURIComponent(organization)}`
}

export function deployKeysPath(organization: string): string {
  return `/deploy-keys/${encodeURIComponent(organization)}`
}

/** The name of an organization and the way between its pages. */
export function OrganizationHead({ organization, current }: OrganizationHeadProps) {
  return (
    <>
      <h1 class="rack-name">{organization}</h1>
      <nav class="tabs" aria-label="Organization">
        <a
          href={membersPath(organization)}
          aria-current={current === 'members' ? 'page' : undefined}
        >
          Members
        </a>
        <a
          href={deployKeysPath(organization)}
          aria-current={current === 'deploy-keys' ? 'page' : undefined}
        >
          Deploy keys
        </a>
      </nav>
    </>
  )
}
