import type { Migration } from '@keyrack/server'
import { foundation } from './migrations/0001-foundation.ts'
import { deployKeys } from './migrations/0003-deploy-keys.ts'

/** In order, forward-only, never edited after a release. */
export const MIGRATIONS: readonly Migration[] = [foundation, deployKeys]
