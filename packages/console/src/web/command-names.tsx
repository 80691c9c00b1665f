/** Commands in a sentence, none of which is broken at a dash. */
export function CommandNames({ names }: { names: readonly string[] }) {
  return (
    <span class="commands">
      {names.map((name, index) => (
        <>
          {index === 0 ? '' : ', '}
          <span>{name}</span>
        </>
      ))}
    </span>
  )
}
