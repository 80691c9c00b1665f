import { DEPLOY_COMMANDS } from '@keyrack/protocol'
import type { ConsoleContext } from '../context.ts'
import type { AccountEntry, DeployKeyEntry, Role } from '../directory.ts'

export interface AccountView {
  id: string
  email: string
  serverAdministrator: boolean
  organizations: ReadonlyArray<{ id: string; name: string; role: Role }>
  apiKey: { lastFour: string; createdAt: number }
}

/** What a person sees of their own account, in the API and on the account page. */
export async function viewAccount(
  { store, directory }: Pick<ConsoleContext, 'store' | 'directory'>,
  account: AccountEntry,
): Promise<AccountView> {
  const key = await store.db
    .selectFrom('api_keys')
    .select(['last_four', 'created_at'])
    .where('account_id', '=', account.id)
    .executeTakeFirstOrThrow()
  const organizations = directory.organizationsOf(account).flatMap(({ id, name }) => {
    const role = account.roles.get(id)
    return role === undefined ? [] : [{ id, name, role }]
  })
  const { id, email, serverAdministrator } = account
  const apiKey = { lastFour: key.last_four, createdAt: key.created_at }
  return { id, email, serverAdministrator, organizations, apiKey }
}

/** What a deploy key is told about itself, so that a login with it can say what it is for. */
export function deployKeyView({ id, name, organization, expiresAt }: DeployKeyEntry) {
  const expires_at = expiresAt === null ? null : new Date(expiresAt).toISOString()
  const deploy_key = { name, expires_at, commands: DEPLOY_COMMANDS }
  return { id, deploy_key, organizations: [organization] }
}
