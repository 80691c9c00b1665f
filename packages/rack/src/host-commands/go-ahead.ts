import { KeyrackError } from '@keyrack/protocol'

/**
 * Asks whoever started this program, by the channel to it, whether to go on. Asked while the folder
 * is held: who was killed meanwhile does not answer, so nothing of an older command happens after
 * what a newer one did. Without a channel somebody typed the command, and nobody is asked.
 */
export async function goAhead(): Promise<void> {
  if (process.send === undefined) return
  const answered = await new Promise<boolean>((resolve) => {
    process.once('message', (word) => resolve(word === 'go'))
    process.once('disconnect', () => resolve(false))
    if (process.connected) process.send?.('go?', undefined, undefined, (e) => e && resolve(false))
    else resolve(false)
  })
  if (answered) return
  throw new KeyrackError('conflict', 'whoever asked for this is gone; nothing was changed', {
    hint: 'run: convox rack reset-key',
  })
}
