import { readEnvironment } from './config.ts'
import { reference } from './reference.ts'

process.stdout.write(await reference(readEnvironment({})))
