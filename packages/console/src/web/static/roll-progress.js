// A roll of a Rack's key as it goes on. The page says in data-seen what it was made from; when the
// JSON API answers something else, this part of the page is asked for again and takes its place, so
// that only the server words it.

const LOOK_MS = 1000

class RollProgress extends HTMLElement {
  #timer

  connectedCallback() {
    if (this.dataset.source === undefined) return
    for (const link of this.querySelectorAll('[data-reload]')) link.hidden = true
    this.#lookLater()
  }

  disconnectedCallback() {
    clearTimeout(this.#timer)
  }

  #lookLater() {
    this.#timer = setTimeout(() => this.#look(), LOOK_MS)
  }

  async #look() {
    // A Console that restarts goes on with the roll: what does not answer is asked again.
    const changed = await this.#hasChanged().catch(() => false)
    if (changed) await this.#renew().catch(() => undefined)
    if (this.isConnected) this.#lookLater()
  }

  async #hasChanged() {
    const answer = await fetch(this.dataset.source, { headers: { accept: 'application/json' } })
    if (!answer.ok) return answer.status < 500
    const roll = await answer.json()
    return JSON.stringify([roll.state, roll.detail, roll.error, roll.uses]) !== this.dataset.seen
  }

  async #renew() {
    const answer = await fetch(this.dataset.page, { headers: { accept: 'text/html' } })
    if (answer.status >= 500) return
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
    const fresh = page.querySelector('roll-progress')
    if (fresh === null) {
      // Signed out, or without the right: the page says which.
      location.assign(this.dataset.page)
      return
    }
    const focused = this.contains(document.activeElement) ? document.activeElement.id : undefined
    this.replaceWith(document.adoptNode(fresh))
    enliven(fresh)
    announcer.textContent = fresh.dataset.says
    if (focused !== undefined) (document.getElementById(focused) ?? fresh).focus()
  }
}

customElements.define('roll-progress', RollProgress)
