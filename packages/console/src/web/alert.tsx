import type { Child } from 'hono/jsx'

/** A message above a form or a page. */
export function Alert({ children }: { children: Child }) {
  return (
    <div class="alert" role="alert">
      {children}
    </div>
  )
}
