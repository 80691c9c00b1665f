import { Secret } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { invite } from '../organizations/invite.ts'
import { entry, founder, openDomain, PASSWORD, REQUEST } from '../testing/console-domain.ts'
import { findByEmail } from './find-by-email.ts'
import { resetPassword } from './reset-password.ts'
import { signIn } from './sign-in.ts'
import { signUp } from './sign-up.ts'

const READABLE = 'bob@münchen.de'
const ASCII = 'bob@xn--mnchen-3ya.de'
const password = Secret.of(PASSWORD)

/** Ada's Console, and codes for whoever she invites. */
async function console() {
  const domain = await openDomain()
  const ada = await founder(domain)
  const join = async (email: string, invited?: string) => {
    const asked = { organization: 'acme', email: invited }
    const { token } = await invite(domain, entry(domain, ada.id), asked, REQUEST)
    return signUp(domain, { email, password, invitation: token.reveal() }, REQUEST)
  }
  return { domain, join }
}

describe('two spellings of the host of an e-mail address', () => {
  it('are one account, which either signs in to', async () => {
    const { domain, join } = await console()
    const bob = await join(ASCII)
    expect(bob.email).toBe(READABLE)
    await expect(join(READABLE)).rejects.toMatchObject({ code: 'conflict', field: 'email' })
    for (const email of [READABLE, ASCII, 'BOB@MÜNCHEN。DE']) {
      expect((await signIn(domain, { email, password }, REQUEST)).account.id).toBe(bob.id)
    }
  })

  it('are one account also where the other one was stored before', async () => {
    const { domain, join } = await console()
    const bob = await join(ASCII)
    await domain.commit((tx) =>
      tx.updateTable('accounts').set({ email: ASCII }).where('id', '=', bob.id).execute(),
    )
    await expect(join(READABLE)).rejects.toMatchObject({ code: 'conflict', field: 'email' })
    await expect(join(ASCII)).rejects.toMatchObject({ code: 'conflict', field: 'email' })
    for (const email of [READABLE, ASCII]) {
      expect((await signIn(domain, { email, password }, REQUEST)).account.id).toBe(bob.id)
      expect(await resetPassword(domain, { email, password }, REQUEST)).toMatchObject({
        id: bob.id,
      })
    }
  })

  it('that have become two accounts long ago stay two, each by its own', async () => {
    const { domain, join } = await console()
    const [one, two] = [await join(READABLE), await join('other@example.com')]
    await domain.commit((tx) =>
      tx.updateTable('accounts').set({ email: ASCII }).where('id', '=', two.id).execute(),
    )
    expect((await findByEmail(domain.store.db, READABLE))?.id).toBe(one.id)
    expect((await findByEmail(domain.store.db, ASCII))?.id).toBe(two.id)
  })

  it('are the same guest, whichever was invited', async () => {
    const { join } = await console()
    expect((await join(ASCII, READABLE)).email).toBe(READABLE)
    await expect(join('eve@example.com', 'carl@münchen.de')).rejects.toMatchObject({
      field: 'invitation',
    })
  })
})
