/**
 * Preloaded into a real program by `--import`: its clock is wrong by as many milliseconds as the file
 * in CLOCK_FILE says at that moment. Timers run on, as they do when the clock of a machine is set.
 */
import { readFileSync } from 'node:fs'

const file = process.env.CLOCK_FILE ?? ''
const right = Date.now.bind(Date)

function now(): number {
  return right() + Number(readFileSync(file, 'utf8'))
}

globalThis.Date = new Proxy(Date, {
  construct: (target, args, made) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, made),
  apply: () => new Date().toString(),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
})
