export type LineState = 'more' | 'done' | 'interrupted' | 'end'

const CTRL_C = '\u0003'
const CTRL_D = '\u0004'
const CTRL_U = '\u0015'
const ESCAPE = '\u001b'
const CHARACTERS_MAX = 1024 * 1024

/**
 * One line typed or pasted into a terminal in raw mode, where the keys arrive as they are. The
 * markers of a bracketed paste and other escape sequences are dropped, even when a read cuts them.
 */
export class SecretLine {
  #characters: string[] = []
  #sequence: 'none' | 'escape' | 'csi' | 'ss3' = 'none'
  #parameters = ''
  #pasting = false

  get text(): string {
    return this.#characters.join('')
  }

  /** Takes what a read gave. What follows the end of the line is dropped with it. */
  push(input: string): LineState {
    const characters = Array.from(input)
    for (const [index, character] of characters.entries()) {
      const last = index === characters.length - 1
      const state = this.#sequence === 'none' ? this.#key(character, last) : this.#skip(character)
      if (state !== 'more') return state
    }
    return 'more'
  }

  #key(character: string, last: boolean): LineState {
    if (character === ESCAPE) {
      this.#sequence = 'escape'
    } else if (this.#pasting) {
      this.#add(character === '\r' ? '\n' : character)
    } else if (character === '\r' || character === '\n') {
      // A line break before the pasted text is no answer yet.
      if (last || this.text.trim() !== '') return 'done'
    } else if (character === CTRL_C) {
      return 'interrupted'
    } else if (character === CTRL_D) {
      if (this.#characters.length === 0) return 'end'
    } else if (character === '\u007f' || character === '\b') {
      this.#characters.pop()
    } else if (character === CTRL_U) {
      this.#characters = []
    } else {
      this.#add(character)
    }
    return 'more'
  }

  #add(character: string): void {
    const control = character < ' ' || character === '\u007f'
    if (control && character !== '\n' && character !== '\t') return
    if (this.#characters.length < CHARACTERS_MAX) this.#characters.push(character)
  }

  /** Inside an escape sequence (ECMA-48): ESC [ parameters final, ESC O key, or ESC key. */
  #skip(character: string): LineState {
    if (this.#sequence === 'escape') {
      this.#parameters = ''
      this.#sequence = character === '[' ? 'csi' : character === 'O' ? 'ss3' : 'none'
    } else if (this.#sequence === 'ss3') {
      this.#sequence = 'none'
    } else if (character >= '@' && character <= '~') {
      this.#sequence = 'none'
      if (character === '~' && this.#parameters === '200') this.#pasting = true
      if (character === '~' && this.#parameters === '201') this.#pasting = false
    } else {
      this.#parameters += character
    }
    return 'more'
  }
}
