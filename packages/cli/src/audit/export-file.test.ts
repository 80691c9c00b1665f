import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../testing/temporary-folder.ts'
import { openExportFile } from './export-file.ts'

function exportTo(path: string, text: string): void {
  const file = openExportFile(path)
  file.write(text)
  file.finish()
}

describe('the file of an export', () => {
  it('has nothing of it until it is whole', () => {
    const folder = temporaryFolder()
    const path = join(folder, 'audit.ndjson')
    writeFileSync(path, 'before')
    const file = openExportFile(path)
    file.write('one\n')
    expect(readFileSync(path, 'utf8')).toBe('before')
    file.write('two ü\n')
    file.finish()
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo ü\n')
    expect(lstatSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['audit.ndjson'])
  })

  it('stays what it was when the export is given up', () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'audit.ndjson'), 'before')
    const file = openExportFile(join(folder, 'audit.ndjson'))
    file.write('one\n')
    file.abandon()
    expect(readFileSync(join(folder, 'audit.ndjson'), 'utf8')).toBe('before')
    expect(readdirSync(folder)).toEqual(['audit.ndjson'])
  })

  it('is that of one export when two are made at once', () => {
    const folder = temporaryFolder()
    const path = join(folder, 'audit.ndjson')
    const [first, second] = [openExportFile(path), openExportFile(path)]
    first.write('the first, which is the longer one\n')
    second.write('the second\n')
    first.finish()
    second.finish()
    expect(readFileSync(path, 'utf8')).toBe('the second\n')
    expect(readdirSync(folder)).toEqual(['audit.ndjson'])
  })

  it('leaves the files beside it alone', () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'audit.ndjson.part'), 'mine')
    exportTo(join(folder, 'audit.ndjson'), 'one\n')
    expect(readFileSync(join(folder, 'audit.ndjson.part'), 'utf8')).toBe('mine')
  })

  it('may be reached by a link, which stays one', () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'elsewhere'))
    writeFileSync(join(folder, 'elsewhere', 'log'), 'before')
    symlinkSync('elsewhere/log', join(folder, 'link'))
    exportTo(join(folder, 'link'), 'one\n')
    expect(readlinkSync(join(folder, 'link'))).toBe('elsewhere/log')
    expect(readFileSync(join(folder, 'elsewhere', 'log'), 'utf8')).toBe('one\n')
  })

  // By a link: were it replaced, it would be the link and not the machine's own device.
  it('may be a device, which is written to and never replaced', () => {
    const folder = temporaryFolder()
    symlinkSync('/dev/null', join(folder, 'null'))
    symlinkSync('/dev/full', join(folder, 'full'))
    exportTo(join(folder, 'null'), 'one\n')
    expect(() => exportTo(join(folder, 'full'), 'one\n')).toThrow('the disk is full')
    expect(readlinkSync(join(folder, 'null'))).toBe('/dev/null')
    expect(readlinkSync(join(folder, 'full'))).toBe('/dev/full')
  })

  it('that is none says so', () => {
    const folder = temporaryFolder()
    expect(() => openExportFile(folder)).toThrow('it is a folder')
    expect(() => openExportFile(join(folder, 'no', 'audit'))).toThrow('its folder is not there')
  })
})
