import { Layout } from './layout.tsx'

export interface MessagePageProps {
  title: string
  text: string
  email?: string | undefined
  /** For somebody who asks the administrator about it. */
  requestId?: string
}

/** A page that says one thing and shows a way on. */
export function MessagePage({ title, text, email, requestId }: MessagePageProps) {
  return (
    <Layout title={title} email={email}>
      <div class="card">
        <h1>{title}</h1>
        <p>{text}</p>
        {requestId === undefined ? null : (
          <p class="note">
            Request <code>{requestId}</code>
          </p>
        )}
        <p>
          <a class="button" href="/">
            Back to the start
          </a>
        </p>
      </div>
    </Layout>
  )
}
