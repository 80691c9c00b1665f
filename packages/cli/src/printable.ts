/**
 * Text of a server as it may reach a terminal. Escape sequences could repaint the screen, answer
 * for the user or hide what is printed (CWE-150), and so could characters that turn the direction
 * of writing; each such character is shown as U+FFFD. Line breaks and tabs stay.
 */
export function printable(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(UNSAFE, '\uFFFD')
}

/** For one cell or one line: a break would look like the next record. */
export function printableLine(text: string): string {
  return printable(text.trim())
    .replace(/\s*\n\s*/g, ' ')
    .replaceAll('\t', ' ')
}

/** JSON stays exactly what it means: what a terminal could obey is written as its JSON escape. */
export function printableJson(value: unknown, indentation = 2): string {
  return JSON.stringify(value, null, indentation).replace(
    UNSAFE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

// Control characters (C0, DEL, C1) but tab and line feed, line separators, direction controls.
const UNSAFE = /(?![\n\t])[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu
