import type { Migration } from '@keyrack/server'
import { foundation } from './migrations/0001-foundation.ts'
import { addedRacks } from './migrations/0002-added-racks.ts'
import { directoryVersion } from './migrations/0003-directory-version.ts'
import { deployKeys } from './migrations/0004-deploy-keys.ts'
import { rackRolls } from './migrations/0005-rack-rolls.ts'
import { credentialLedger } from './migrations/0006-credential-ledger.ts'
import { keyCopiesAndUses } from './migrations/0007-key-copies-and-uses.ts'

/** In order, forward-only, never edited after a release. */
export const MIGRATIONS: readonly Migration[] = [
  foundation,
  addedRacks,
  directoryVersion,
  deployKeys,
  rackRolls,
  credentialLedger,
  keyCopiesAndUses,
]
