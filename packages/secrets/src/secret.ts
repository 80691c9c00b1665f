import { inspect } from 'node:util'

/**
 * A value that must not be printed. `String(secret)`, template strings, JSON, `console.log` and
 * the logger all show `[secret]`; only `reveal()` gives the text, so a reviewer can list every
 * place where a secret becomes readable by searching for that one word.
 */
export class Secret {
  readonly #text: string

  private constructor(text: string) {
    this.#text = text
  }

  static of(text: string): Secret {
    return new Secret(text)
  }

  /** The text itself, for the one line that needs it: a header, a hash, a cipher, a prompt. */
  reveal(): string {
    return this.#text
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}
