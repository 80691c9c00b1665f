export interface CopyableProps {
  id: string
  /** What it is, for the button's name. */
  label: string
  text: string
  /** A command gets a prompt sign, which is not part of what is copied. */
  command?: boolean
}

/**
 * A text to take away. One click selects all of it, with or without script; the button appears
 * only when the script that serves it has run.
 */
export function Copyable({ id, label, text, command = false }: CopyableProps) {
  return (
    <div class={command ? 'copyable command' : 'copyable'}>
      <code id={id}>{command ? words(text) : text}</code>
      <button type="button" data-copy={id} aria-label={`Copy ${label}`} hidden>
        Copy
      </button>
    </div>
  )
}

function words(command: string) {
  const [first = '', ...rest] = command.split(' ')
  return (
    <>
      <span>{first}</span>
      {rest.map((word) => (
        <>
          {' '}
          <span>{word}</span>
        </>
      ))}
    </>
  )
}
