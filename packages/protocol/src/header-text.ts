import { KeyrackError } from './errors.ts'

/**
 * Header values are bytes: official clients put UTF-8 there, Node reads and writes Latin-1. So
 * `Command: echo grüße` has to be turned into that shape before it is sent and back when received.
 */
export function toHeader(name: string, text: string): string {
  for (const character of text) {
    if ((character < ' ' && character !== '\t') || character === '\x7f') {
      throw new KeyrackError('invalid', `${name} holds a line break or a control character`, {
        field: name,
        hint: 'such characters cannot be sent there; put them in a file or in the input',
      })
    }
  }
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** The text of a received header value; bytes that are not UTF-8 are taken as Latin-1. */
export function fromHeader(value: string): string {
  const bytes = Buffer.from(value, 'latin1')
  const text = bytes.toString('utf8')
  return text.includes('\ufffd') && !bytes.includes('\ufffd') ? value : text
}
