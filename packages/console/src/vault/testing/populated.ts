import { hashApiKey, type Secret } from '@keyrack/secrets'
import { createDeployKey } from '../../deploy-keys/create-deploy-key.ts'
import {
  entry,
  founder,
  invited,
  openDomain,
  REQUEST,
  type TestDomain,
  testFolder,
} from '../../testing/console-domain.ts'
import { type StoredProblem, verifyStored } from '../verify-stored.ts'
import { addSealedRacks } from './sealed-racks.ts'

/** Ada and Bob, a deploy key and two Racks. */
export async function populated(folder = testFolder()) {
  const domain = await openDomain(folder)
  const ada = await founder(domain)
  const bob = await invited(domain, ada, 'bob@example.com')
  const ci = await createDeployKey(
    domain,
    entry(domain, ada.id),
    { organization: 'acme', name: 'ci', expiresInDays: null },
    REQUEST,
  )
  const racks = await addSealedRacks(domain, ada.organization.id, 2)
  return { domain, ada, bob, ci, racks, folder }
}

/** Whom a key is good for now. */
export const knows = (domain: TestDomain, key: Secret) => ({
  account: domain.directory.accountByApiKeyHash(hashApiKey(key)) !== undefined,
  deploy: domain.directory.deployKeyByHash(hashApiKey(key)) !== undefined,
})

/** What `keys verify` says on a running Console. */
export async function problems(domain: TestDomain): Promise<StoredProblem[]> {
  return (await verifyStored(domain, domain.config.anchorFile, domain.ledger.seen)).problems
}
