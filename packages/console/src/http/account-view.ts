import { DEPLOY_COMMANDS } from '@keyrack/protocol'
import type { ConsoleContext } from '../context.ts'
import type { AccountEntry, DeployKeyEntry, Role } from '../directory.ts'
import type { LastUse } from '../key-uses/last-uses.ts'
import { newestUse } from '../key-uses/newest-use.ts'

export interface AccountView {
  id: string
  email: string
  serverAdministrator: boolean
  organizations: ReadonlyArray<{ id: string; name: string; role: Role }>
  apiKey: { lastFour: string; createdAt: number; lastUse: LastUse | null }
}

/** What a person sees of their own account, in the API and on the account page. */
export async function viewAccount(
  { store, directory, uses }: Pick<ConsoleContext, 'store' | 'directory' | 'uses'>,
  account: AccountEntry,
): Promise<AccountView> {
  const key = await store.db
    .selectFrom('api_keys')
    .leftJoin('key_uses', 'key_uses.key_hash', 'api_keys.hash')
    .select(['hash', 'last_four', 'created_at', 'last_at', 'address', 'client'])
    .where('account_id', '=', account.id)
    .executeTakeFirstOrThrow()
  const organizations = directory.organizationsOf(account).flatMap(({ id, name }) => {
    const role = account.roles.get(id)
    return role === undefined ? [] : [{ id, name, role }]
  })
  const { id, email, serverAdministrator } = account
  const lastUse = newestUse(uses, key.hash, key)
  const apiKey = { lastFour: key.last_four, createdAt: key.created_at, lastUse }
  return { id, email, serverAdministrator, organizations, apiKey }
}

/** What a deploy key is told about itself, so that a login with it can say what it is for. */
export function deployKeyView({ id, name, organization, expiresAt }: DeployKeyEntry) {
  const expires_at = expiresAt === null ? null : new Date(expiresAt).toISOString()
  const deploy_key = { name, expires_at, commands: DEPLOY_COMMANDS }
  return { id, deploy_key, organizations: [organization] }
}
