import { KeyrackError } from '@keyrack/protocol'

/** Why a form came back: what belongs beside a field, or above all of them. */
export interface FormFailure {
  field: string | undefined
  text: string
}

/** The failure as a person reads it. Errors that are nobody's input are not for a form. */
export function formFailure(error: KeyrackError, fields: readonly string[]): FormFailure {
  const text = sentence(
    error.hint === undefined ? error.message : `${error.message}; ${error.hint}`,
  )
  const known = error.field !== undefined && fields.includes(error.field)
  return { field: known ? error.field : undefined, text }
}

/** Error texts are written for command lines: lower case, no full stop. Names stay as they are. */
export function sentence(text: string): string {
  const isWord = /^[a-z]+(?![\w@./-])/.test(text)
  const capital = isWord ? text.charAt(0).toUpperCase() + text.slice(1) : text
  return /[.!?]$/.test(capital) ? capital : `${capital}.`
}

/** An empty field is told apart from a wrong one before the domain is asked. */
export function requireFields(form: ReadonlyMap<string, string>, names: readonly string[]): void {
  const field = names.find((name) => !form.has(name))
  if (field !== undefined) throw new KeyrackError('invalid', 'this is needed', { field })
}

/** What cannot be taken back is done only to what was meant: its name has to be typed. */
export function requireTyped(form: ReadonlyMap<string, string>, name: string): void {
  if (form.get('typed')?.trim().toLowerCase() === name.toLowerCase()) return
  throw new KeyrackError('invalid', `type ${name}; nothing was changed`, { field: 'typed' })
}
