import { Copyable } from './copyable.tsx'

export interface LoginLine {
  host: string
  fingerprint: string
}

/** How to log in from a terminal, with the certificate's fingerprint so that nothing has to be trusted blindly. */
export function LoginLines({ host, fingerprint }: LoginLine) {
  return (
    <>
      <Copyable
        id="login-line"
        label="login command"
        text={`convox login ${host} --fingerprint ${fingerprint}`}
        command
      />
      <p class="note">
        It asks for a password: paste your API key there. Nothing is shown as you paste.
      </p>
    </>
  )
}
