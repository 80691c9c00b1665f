import { Layout } from './layout.tsx'

export interface MessagePageProps {
  title: string
  text: string
  email?: string | undefined
  /** For somebody who asks the administrator about it. */
  requestId?: string
  /** Instead of the start page. */
  way?: { href: string; words: string }
}

const START = { href: '/', words: 'Back to the start' }

/** A page that says one thing and shows a way on. */
export function MessagePage({ title, text, email, requestId, way = START }: MessagePageProps) {
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
          <a class="button" href={way.href}>
            {way.words}
          </a>
        </p>
      </div>
    </Layout>
  )
}
