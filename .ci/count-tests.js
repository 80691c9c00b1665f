// Adds up the results of test runs and prints them as the closing line. A run without results, or
// with a skipped test although every part is required, counts as a failure.
import { readFileSync } from 'node:fs'

let passed = 0
let failed = 0
for (const file of process.argv.slice(2)) {
  try {
    const run = JSON.parse(readFileSync(file, 'utf8'))
    passed += run.numPassedTests
    failed += run.numFailedTests + run.numPendingTests + run.numTodoTests
    // A suite that breaks before its first test has no failed test of its own.
    if (!run.success && run.numFailedTests === 0) failed += 1
  } catch (error) {
    console.error(`no results in ${file}: ${error.message}`)
    failed += 1
  }
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0
