import type { RackEntry, RackStatus } from '../directory.ts'

const WORDS: Readonly<Record<RackStatus, string>> = {
  running: 'running',
  unreachable: 'not reachable',
  failed: 'refuses us',
  unknown: 'not asked yet',
}

const SENTENCES: Readonly<Record<RackStatus, string>> = {
  running: 'It answered when it was asked last.',
  unreachable: 'It did not answer when it was asked last.',
  failed: 'It refuses the key that the Console has for it, or shows another certificate.',
  unknown: 'Nobody has used it since this Console started.',
}

/** How the last contact with a Rack went, in words: the colour only repeats them. */
export function RackState({ rack }: { rack: RackEntry }) {
  return <span class={`status ${rack.status}`}>{WORDS[rack.status]}</span>
}

export function rackStateSentence({ status }: Pick<RackEntry, 'status'>): string {
  return SENTENCES[status]
}
