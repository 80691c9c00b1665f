export interface FieldProps {
  label: string
  name: string
  type?: 'text' | 'email' | 'password'
  autocomplete: string
  hint?: string
  required?: boolean
  /** What was typed before; a password is never sent back. */
  value?: string | undefined
  error?: string | undefined
  /** The first field at fault, or the first one of a fresh form. */
  focus?: boolean
  /** Codes and names: a phone must not capitalise them. */
  literal?: boolean
}

/** A labelled input with its hint and its error, tied together for screen readers. */
export function Field(props: FieldProps) {
  const { label, name, type = 'text', hint, error, required = true } = props
  const described = [
    hint === undefined ? '' : `${name}-hint`,
    error === undefined ? '' : `${name}-error`,
  ]
    .filter(Boolean)
    .join(' ')
  const literal = props.literal === true || type === 'email'
  return (
    <div class="field">
      <label for={name}>
        {label}
        {required ? null : <span class="optional"> (optional)</span>}
      </label>
      {hint === undefined ? null : (
        <p class="hint" id={`${name}-hint`}>
          {hint}
        </p>
      )}
      <div class="input">
        <input
          id={name}
          name={name}
          type={type}
          autocomplete={props.autocomplete}
          required={required}
          value={type === 'password' ? undefined : props.value}
          aria-describedby={described === '' ? undefined : described}
          aria-invalid={error === undefined ? undefined : 'true'}
          autofocus={props.focus}
          {...(literal ? { autocapitalize: 'none' } : {})}
        />
        {type === 'password' ? (
          <button
            class="reveal"
            type="button"
            data-reveal={name}
            aria-label={`Show ${label.toLowerCase()}`}
            hidden
          >
            Show
          </button>
        ) : null}
      </div>
      {error === undefined ? null : (
        <p class="error" id={`${name}-error`}>
          {error}
        </p>
      )}
    </div>
  )
}
