import { onStop } from '../graceful-stop.ts'
import { createLogger } from '../log.ts'

// Waits for a signal; its first argument says how its stop steps behave.
const [, , behaviour = '', deadlineMs = '60000'] = process.argv
const say = (text: string) => process.stdout.write(`${text}\n`)
const never = () => new Promise<void>(() => {})

const stop = onStop({
  log: createLogger({ name: 'stop', level: 'info', human: false }),
  deadlineMs: Number(deadlineMs),
  steps: [
    [
      'first',
      async () => {
        say('first begins')
        if (behaviour === 'hang') await never()
        if (behaviour === 'fail') throw new Error('the first step cannot')
        await new Promise((resolve) => setImmediate(resolve))
        say('first ends')
      },
    ],
    ['second', () => void say('second runs')],
  ],
})
if (behaviour === 'by itself') void stop.stop('parent went away')
const keepAlive = setInterval(() => {}, 1000)
if (behaviour === 'disposed') {
  stop.dispose()
  keepAlive.ref()
}
say('ready')
