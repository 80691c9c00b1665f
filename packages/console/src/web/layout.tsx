import type { Child } from 'hono/jsx'
import { ASSET_PATHS } from './assets.ts'

export interface LayoutProps {
  title: string
  /** The signed-in person's e-mail address; without it there is no navigation. */
  email?: string | undefined
  /** Which entry of the navigation this page is. */
  current?: 'racks' | 'account'
  children: Child
}

/** The frame of every page. */
export function Layout({ title, email, current, children }: LayoutProps) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="theme-color" content="#f5f6f8" media="(prefers-color-scheme: light)" />
        <meta name="theme-color" content="#0e1014" media="(prefers-color-scheme: dark)" />
        <meta name="robots" content="noindex" />
        <title>{title} · Keyrack</title>
        <link rel="icon" type="image/svg+xml" href={ASSET_PATHS.icon} />
        <link rel="stylesheet" href={ASSET_PATHS.style} />
        <script src={ASSET_PATHS.script} defer />
      </head>
      <body class={email === undefined ? 'door' : 'inside'}>
        <a class="skip" href="#main">
          Skip to content
        </a>
        <header class="top">
          <a class="brand" href="/">
            <Mark />
            Keyrack
          </a>
          {email === undefined ? null : <Navigation email={email} current={current} />}
        </header>
        <main id="main" tabindex={-1}>
          {children}
        </main>
        <footer>
          <p>Open source, self-hosted. Convox is a trademark of its owner.</p>
        </footer>
        <p class="visually-hidden" role="status" data-announcer></p>
      </body>
    </html>
  )
}

function Navigation({ email, current }: { email: string; current: LayoutProps['current'] }) {
  return (
    <nav aria-label="Main">
      <a href="/" aria-current={current === 'racks' ? 'page' : undefined}>
        Racks
      </a>
      <a href="/account" aria-current={current === 'account' ? 'page' : undefined}>
        Account
      </a>
      <form method="post" action="/sign-out">
        <button class="quiet" type="submit" title={`Signed in as ${email}`}>
          Sign out
        </button>
      </form>
    </nav>
  )
}

function Mark() {
  return (
    <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
      <rect class="mark-plate" width="32" height="32" rx="8" />
      <g class="mark-key">
        <circle cx="12" cy="16" r="4.5" />
        <path d="M16.5 16H26M22 16v4.2M25.8 16v3" />
      </g>
    </svg>
  )
}
