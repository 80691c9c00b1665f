import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createLogger } from './log.ts'
import { openLogFile } from './log-file.ts'
import { temporaryFolder } from './testing/temporary-folder.ts'

function newFolder(): string {
  const folder = temporaryFolder()
  onTestFinished(() => folder.remove())
  return folder.path
}

describe('a log file', () => {
  it('takes the lines of a logger, behind those of an earlier run, for its owner only', () => {
    const file = join(newFolder(), 'log')
    writeFileSync(file, 'earlier\n', { mode: 0o600 })
    createLogger({ name: 'test', destination: openLogFile(file) }).info('later')
    expect(readFileSync(file, 'utf8')).toMatch(/^earlier\n\{.*"msg":"later".*\}\n$/)
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('never takes more room than two full files, whatever is written, and keeps the newest', () => {
    const folder = newFolder()
    const log = openLogFile(join(folder, 'log'), 1000)
    for (let index = 0; index < 500; index++) log.write(`line ${index}\n`)
    expect(readdirSync(folder).sort()).toEqual(['log', 'log.1'])
    for (const name of readdirSync(folder)) {
      expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(1000)
    }
    const kept = ['log.1', 'log'].map((name) => readFileSync(join(folder, name), 'utf8')).join('')
    expect(kept).toMatch(/^(line \d+\n)+line 499\n$/)
  })

  it('counts what was there before, so that restarts do not make it larger', () => {
    const file = join(newFolder(), 'log')
    for (let run = 0; run < 20; run++) openLogFile(file, 1000).write(`${'x'.repeat(400)}\n`)
    expect(statSync(file).size).toBeLessThanOrEqual(1000)
  })

  it('does not end the server when it cannot be written or put aside', () => {
    const file = join(newFolder(), 'log')
    mkdirSync(join(`${file}.1`, 'in-the-way'), { recursive: true })
    const log = openLogFile(file, 10)
    log.write('0123456789')
    expect(() => log.write('lost\n')).not.toThrow()
    expect(() => openLogFile('/dev/full').write('lost\n')).not.toThrow()
  })

  it('says which file cannot be opened', () => {
    const folder = newFolder()
    expect(() => openLogFile(join(folder, 'none', 'log'))).toThrow(join(folder, 'none', 'log'))
  })
})
