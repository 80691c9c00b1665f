/** True for a person's browser opening a page; command lines and scripts never ask for HTML. */
export function listsHtml(accept: string | undefined): boolean {
  return accept !== undefined && /(^|,)\s*text\/html\s*(;|,|$)/i.test(accept)
}
