#!/usr/bin/env node
import { existsSync } from 'node:fs'

// A committed launcher: npm links a bin only if the file is there at install time, before anything is built.
const main = new URL('../dist/main.js', import.meta.url)
if (existsSync(main)) await import(main)
else {
  console.error('ERROR: keyrack-rack is not built yet; run: npm run build')
  process.exitCode = 1
}
