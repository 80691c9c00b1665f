import { KeyrackError } from '@keyrack/protocol'
import { type Context, Hono } from 'hono'
import type { ConsoleContext } from '../context.ts'
import type { AccountEntry, RackEntry } from '../directory.ts'
import { FinishRollBody, RollBody, ScheduleBody } from '../http/api-schemas.ts'
import { requireOwnPage } from '../http/authenticate.ts'
import { type EdgeEnv, requestContext } from '../http/edge.ts'
import { parseInput, readForm } from '../http/read-input.ts'
import type { RackName } from '../racks/administered-rack.ts'
import { formFailure, requireFields, sentence } from './form-failure.ts'
import { RackPage } from './rack-page.tsx'
import { settingsPath } from './rack-path.ts'
import { RackSettingsPage } from './rack-settings-page.tsx'
import { type Refused, refusalOf } from './refused.ts'
import { render, renderError } from './render.ts'
import { requireSession } from './require-session.ts'
import { ROLL_FIELDS } from './roll-form.tsx'
import { seenRoll } from './seen-roll.tsx'

type Form = ReadonlyMap<string, string>

const RACK = '/rack/:organization/:name'

/** A Rack and its settings. What a form asks for is what the JSON API is asked for. */
export function createRackPages(context: ConsoleContext): Hono<EdgeEnv> {
  const { rolls } = context
  const pages = new Hono<EdgeEnv>()
  const signedIn = requireSession(context)

  pages.get(RACK, signedIn, (c) => {
    const rack = shownRack(context, c.var.account, named(c))
    return render(c, <RackPage email={c.var.account.email} rack={rack} />)
  })

  pages.get(`${RACK}/settings`, signedIn, (c) => showSettings(context, c))

  // A form that was refused stands at an address of its own, and can be loaded again there.
  pages.get(`${RACK}/settings/:form`, signedIn, (c) =>
    c.redirect(settingsPath(shownRack(context, c.var.account, named(c))), 303),
  )

  const form = (path: string, act: (c: Context<EdgeEnv>, form: Form) => Promise<unknown>) =>
    pages.post(`${RACK}/settings/${path}`, requireOwnPage, signedIn, async (c) => {
      const typed = await readForm(c)
      try {
        await act(c, typed)
        return c.redirect(settingsPath(shownRack(context, c.var.account, named(c))), 303)
      } catch (error) {
        return showSettings(context, c, { form: typed, error: refusalOf(context, c, error) })
      }
    })

  // A form that is sent twice, or from a tab that was left open, is about a roll that is no more the
  // last one. Taken at its word it would end a grace that somebody has just asked for.
  const refuseStale = async (c: Context<EdgeEnv>, typed: Form): Promise<void> => {
    const seen = typed.get('seen')
    if (seen === undefined) return
    const { roll } = await rolls.report(c.var.account, named(c))
    if (seen !== seenRoll(roll)) throw stale()
  }

  form('roll', async (c, typed) => {
    await refuseStale(c, typed)
    requireFields(typed, ['grace_seconds'])
    if (!typed.has('consent')) throw notAgreed()
    const asked = { grace_seconds: Number(typed.get('grace_seconds')) }
    const { grace_seconds: grace } = parseInput(asked, RollBody)
    await rolls.roll(c.var.account, named(c), grace * 1000, requestContext(c.env.facts))
  })

  form('finish', async (c, typed) => {
    await refuseStale(c, typed)
    const { force } = parseInput({ force: typed.has('force') }, FinishRollBody)
    await rolls.finish(c.var.account, named(c), force)
  })

  form('cancel', async (c, typed) => {
    await refuseStale(c, typed)
    await rolls.cancel(c.var.account, named(c))
  })

  form('schedule', async (c, typed) => {
    requireFields(typed, ['every_seconds'])
    const every = typed.get('every_seconds')
    const asked = { every_seconds: every === 'off' ? null : Number(every) }
    const { every_seconds: seconds } = parseInput(asked, ScheduleBody)
    const everyMs = seconds === null ? null : seconds * 1000
    await rolls.schedule(c.var.account, named(c), everyMs, requestContext(c.env.facts))
  })

  return pages
}

function notAgreed(): KeyrackError {
  return new KeyrackError('invalid', 'tick this first; nothing was rolled', { field: 'consent' })
}

function stale(): KeyrackError {
  const text = 'this key was rolled, or is being rolled, since this page was loaded'
  return new KeyrackError('conflict', text, { hint: 'see below how it is now; nothing was done' })
}

async function showSettings(context: ConsoleContext, c: Context<EdgeEnv>, refused?: Refused) {
  const { account } = c.var
  const rack = shownRack(context, account, named(c))
  const report = await context.rolls.report(account, named(c)).catch(whyNot)
  const page = (
    <RackSettingsPage
      email={account.email}
      rack={rack}
      report={report}
      values={refused?.form}
      failure={refused && formFailure(refused.error, ROLL_FIELDS)}
    />
  )
  return refused === undefined ? render(c, page) : renderError(c, page, refused.error)
}

/** Whoever may not roll the key is told so in its place. */
function whyNot(error: unknown): string {
  if (error instanceof KeyrackError && error.code === 'forbidden') return sentence(error.message)
  throw error
}

/** Somebody else's Rack is answered like one that does not exist. */
function shownRack(
  { directory }: Pick<ConsoleContext, 'directory'>,
  account: AccountEntry,
  { organization, name }: RackName,
): RackEntry {
  const found = directory
    .racksOf(account)
    .find((rack) => rack.organization.name === organization && rack.name === name)
  if (found !== undefined) return found
  throw new KeyrackError('not-found', 'your organizations have no Rack of that name', {
    hint: 'choose one on the page of your Racks',
  })
}

function named(c: Context<EdgeEnv>): RackName {
  const { organization = '', name = '' } = c.req.param() as Record<string, string>
  return { organization, name }
}
