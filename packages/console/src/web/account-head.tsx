export interface AccountHeadProps {
  current: 'you' | 'api-key' | 'password'
}

/** The way between the pages of an account: Account, API Key are the words of the documentation. */
export function AccountHead({ current }: AccountHeadProps) {
  return (
    <>
      <h1 class="rack-name">Account</h1>
      <nav class="tabs" aria-label="Account">
        <a href="/account" aria-current={current === 'you' ? 'page' : undefined}>
          You
        </a>
        <a href="/account/api-key" aria-current={current === 'api-key' ? 'page' : undefined}>
          API Key
        </a>
        <a href="/account/password" aria-current={current === 'password' ? 'page' : undefined}>
          Password
        </a>
      </nav>
    </>
  )
}
