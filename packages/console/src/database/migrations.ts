import type { Migration } from '@keyrack/server'
import { foundation } from './migrations/0001-foundation.ts'
import { directoryVersion } from './migrations/0002-directory-version.ts'

/** In order, forward-only, never edited after a release. */
export const MIGRATIONS: readonly Migration[] = [foundation, directoryVersion]
