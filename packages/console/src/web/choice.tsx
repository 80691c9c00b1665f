export interface ChoiceProps {
  label: string
  name: string
  /** Value and words, in order. */
  options: ReadonlyArray<readonly [value: string, words: string]>
  chosen: string
  hint?: string
  error?: string | undefined
}

/** A labelled select with its hint and its error, tied together for screen readers. */
export function Choice({ label, name, options, chosen, hint, error }: ChoiceProps) {
  const described = [
    hint === undefined ? '' : `${name}-hint`,
    error === undefined ? '' : `${name}-error`,
  ]
    .filter(Boolean)
    .join(' ')
  return (
    <div class="field">
      <label for={name}>{label}</label>
      {hint === undefined ? null : (
        <p class="hint" id={`${name}-hint`}>
          {hint}
        </p>
      )}
      <div class="input">
        <select
          id={name}
          name={name}
          aria-describedby={described === '' ? undefined : described}
          aria-invalid={error === undefined ? undefined : 'true'}
          autofocus={error !== undefined}
        >
          {options.map(([value, words]) => (
            <option value={value} selected={chosen === value}>
              {words}
            </option>
          ))}
        </select>
      </div>
      {error === undefined ? null : (
        <p class="error" id={`${name}-error`}>
          {error}
        </p>
      )}
    </div>
  )
}
