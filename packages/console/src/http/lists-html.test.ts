import { expect, it } from 'vitest'
import { listsHtml } from './lists-html.ts'

it.each(['text/html', 'TEXT/HTML;q=0.9', 'application/xhtml+xml, text/html ;q=0.8,*/*'])(
  '%s asks for a page',
  (accept) => {
    expect(listsHtml(accept)).toBe(true)
  },
)

// gen1 sends nothing or application/json, v2 and v3 send anything (protocol.md 1.2).
it.each([undefined, '', '*/*', 'application/json', 'text/*', 'text/htmlx', 'xtext/html'])(
  '%s does not',
  (accept) => {
    expect(listsHtml(accept)).toBe(false)
  },
)
