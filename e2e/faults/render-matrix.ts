import { type Cell, MOMENTS, PARTS } from './cells/cell.ts'
import { FAULTS, MATRIX } from './matrix.ts'

const ABOUT = `# Faults, and the test that shows what each does

Made from \`e2e/faults/cells\` by \`npx vitest run e2e/faults/matrix.test.ts --project all -u\`, which also checks that every
test named here is there. Change those files, not this one.

What each test shows, as far as it applies to its cell: everything that was acknowledged is there after a restart;
nothing half-written is acknowledged; whoever asked gets an error that says what to do; no process is left behind,
looked for in \`/proc\`; after a kill the next start works.

How the faults are made: with real processes, files and connections. A full disk is a limit on the size of files
(\`prlimit --fsize=0\`, which can be lifted while the program runs) and \`/dev/full\`; no file system is filled. A clock is set
inside one real program at a time (\`e2e/faults/shifted-clock.ts\`), not for the machine. A network is a TCP relay between two
programs (\`e2e/faults/relay.ts\`) that cuts, drips or holds back; a slow process is one that is stopped (\`SIGSTOP\`).
Not among them: a power cut, a disk that lies.
`

/** docs/fault-matrix.md as its source says it. */
export function renderMatrix(): string {
  const head = ['fault', ...PARTS.flatMap((part) => MOMENTS.map((moment) => `${part}, ${moment}`))]
  const rows = FAULTS.map((fault) => [
    `[${fault}](#${anchor(fault)})`,
    ...PARTS.flatMap((part) => MOMENTS.map((moment) => brief(MATRIX[fault][part][moment]))),
  ])
  const table = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`)
  const sections = FAULTS.map((fault) => {
    const cells = PARTS.flatMap((part) =>
      MOMENTS.map((moment) => `**${part}, ${moment}**\n\n${full(MATRIX[fault][part][moment])}`),
    )
    return `## ${fault}\n\n${cells.join('\n\n')}`
  })
  return [ABOUT, `${table.join('\n')}\n`, `${sections.join('\n\n')}\n`].join('\n')
}

function anchor(fault: string): string {
  return fault.toLowerCase().replaceAll(' ', '-')
}

function brief({ shownBy = [], none, open }: Cell): string {
  if (open !== undefined) return '**open**'
  if (none !== undefined) return 'n/a'
  const count = shownBy.reduce((sum, [, ...titles]) => sum + titles.length, 0)
  return count === 1 ? '1 test' : `${count} tests`
}

function full({ shownBy = [], none, open }: Cell): string {
  const tests = shownBy.flatMap(([file, ...titles]) =>
    titles.map((title) => `- \`${file}\` "${title}"`),
  )
  if (none !== undefined) tests.push(`- n/a: ${none}`)
  if (open !== undefined) tests.push(`- **open**: ${open}`)
  return tests.join('\n')
}
