/**
 * The program that changes an instance's authorized_keys: POSIX sh and the commands that every system
 * with an SSH server has, so OpenSSH, Dropbear and our own local instances run the same text. It is
 * sent to the standard input of `sh`, so no shell of the account has to quote anything, and it
 * is one function that the last line calls: cut off anywhere, it does nothing.
 *
 * The file is replaced by rename, so a login in the same moment sees the old file or the new one.
 * Mode and owner stay as they are, or nothing is changed. Lines of others stay byte for byte; ours
 * are those of exactly three fields whose comment is `keyrack:<number>`. A line that was given
 * options, or another comment, is not ours any more, and a login attempt shows whether it opens.
 */
export const SHELL_COMMAND = 'exec /bin/sh -s'

export interface AuthorizedKeysChange {
  /** The line to have, of ours. */
  line: string
  /** Whether our other lines go. */
  only: boolean
}

/** What the program says at its end, on a line of its own. */
export type ChangeOutcome = 'ok' | 'no-home' | 'cannot-write' | 'disk-full' | 'owner' | 'changed'

const PROBLEMS: Readonly<Record<Exclude<ChangeOutcome, 'ok'>, string>> = {
  'no-home': 'its account has no home folder',
  'cannot-write': 'authorized_keys cannot be written there (read-only, or no permission)',
  'disk-full': 'authorized_keys cannot be written there (the disk or a quota is full)',
  owner: 'authorized_keys would not keep its owner and mode there',
  changed: 'somebody else is changing authorized_keys there at the same time',
}

const OUR_LINE = /^ssh-ed25519 [A-Za-z0-9+/=]+ keyrack:[0-9]+$/

export function authorizedKeysScript({ line, only }: AuthorizedKeysChange): string {
  // Nothing in it means anything to a shell: it is written between single quotes.
  if (!OUR_LINE.test(line)) throw new TypeError('not a line of authorized_keys that we wrote')
  return `${PROGRAM}keyrack_change '${line}' ${only ? 'only' : 'add'} end\n`
}

/** The last word of the program in its output; undefined when it did not get to its end. */
export function readOutcome(output: string): ChangeOutcome | undefined {
  const word = [...output.matchAll(/^keyrack: ([a-z-]+)$/gm)].at(-1)?.[1]
  if (word === 'ok') return 'ok'
  return word !== undefined && isProblem(word) ? word : undefined
}

export function describeOutcome(outcome: Exclude<ChangeOutcome, 'ok'>): string {
  return PROBLEMS[outcome]
}

function isProblem(word: string): word is Exclude<ChangeOutcome, 'ok'> {
  return Object.hasOwn(PROBLEMS, word)
}

const PROGRAM = `
keyrack_ours() {
  case $1 in 'ssh-ed25519 '*' keyrack:'*) ;; *) return 1 ;; esac
  blob=\${1#'ssh-ed25519 '}
  mark=\${blob#*' '}
  blob=\${blob%%' '*}
  case $blob in '' | *[!A-Za-z0-9+/=]*) return 1 ;; esac
  case $mark in keyrack:*) mark=\${mark#keyrack:} ;; *) return 1 ;; esac
  case $mark in '' | *[!0-9]*) return 1 ;; esac
}

keyrack_say() {
  rm -f "$new" 2>/dev/null
  printf 'keyrack: %s\\n' "$1"
}

keyrack_attributes() {
  set -- $(ls -ldn "$1" 2>/dev/null)
  printf '%.10s %s %s' "$1" "$3" "$4"
}

keyrack_lines() {
  found=no
  while IFS= read -r line || [ -n "$line" ]; do
    if [ "$line" = "$1" ]; then
      [ $found = no ] || continue
      found=yes
    elif [ "$2" = only ] && keyrack_ours "$line"; then
      continue
    fi
    printf '%s\\n' "$line" || return 1
  done
  [ $found = yes ] || printf '%s\\n' "$1"
}

keyrack_change() {
  [ "$3" = end ] || return
  LC_ALL=C
  PATH=$PATH:/usr/bin:/bin
  export LC_ALL PATH
  umask 077
  new=
  cd 2>/dev/null && [ -n "$HOME" ] && [ -d "$HOME" ] || { keyrack_say no-home; return; }
  if ! [ -d .ssh ]; then
    mkdir .ssh 2>/dev/null || { keyrack_say cannot-write; return; }
  fi
  file=.ssh/authorized_keys
  if [ -L "$file" ]; then
    file=$(readlink -f "$file" 2>/dev/null)
    [ -n "$file" ] || { keyrack_say cannot-write; return; }
  fi
  new=$file.keyrack
  rm -f "$new" 2>/dev/null
  ( : >"$new" ) 2>/dev/null || { keyrack_say cannot-write; return; }
  before=
  attributes=
  if [ -e "$file" ]; then
    before=$(cat "$file" 2>/dev/null && printf x) || { keyrack_say cannot-write; return; }
    before=\${before%x}
    cp -p "$file" "$new" 2>/dev/null || { keyrack_say disk-full; return; }
    attributes=$(keyrack_attributes "$file")
    chmod u+w "$new" 2>/dev/null
  fi
  after=$(printf '%s' "$before" | keyrack_lines "$1" "$2" && printf x)
  after=\${after%x}
  case $after in *"$1"*) ;; *) keyrack_say cannot-write; return ;; esac
  ( printf '%s' "$after" >"$new" ) 2>/dev/null
  [ "$(cat "$new" 2>/dev/null; printf x)" = "\${after}x" ] || { keyrack_say disk-full; return; }
  if [ -n "$attributes" ]; then
    case $attributes in ??w*) ;; *) chmod u-w "$new" 2>/dev/null ;; esac
    [ "$(keyrack_attributes "$new")" = "$attributes" ] || { keyrack_say owner; return; }
    [ "$(cat "$file" 2>/dev/null; printf x)" = "\${before}x" ] || { keyrack_say changed; return; }
  fi
  sync "$new" 2>/dev/null
  mv -f "$new" "$file" 2>/dev/null || { keyrack_say cannot-write; return; }
  sync "$file" .ssh 2>/dev/null
  keyrack_say ok
}
`
