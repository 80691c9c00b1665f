import { KeyrackError } from '@keyrack/protocol'
import { Hono } from 'hono'
import type { ConsoleContext } from '../context.ts'
import { requireKey } from './authenticate.ts'
import type { EdgeEnv } from './edge.ts'
import type { KeyAuthenticator } from './key-authenticator.ts'
import { listsHtml } from './lists-html.ts'
import { rackDetails, rackSummary } from './rack-summary.ts'

/** What official clients ask of a Console for which there is nothing here, and what to say instead. */
const ABSENT: ReadonlyArray<readonly [method: string, path: string, text: string, hint?: string]> =
  [
    ['GET', '/session', 'this Console has no second sign-in step'],
    ['POST', '/session', 'this Console has no second sign-in step'],
    ['GET', '/login/u2f', 'this Console has no second sign-in step'],
    ['POST', '/token', 'API keys do not expire here', 'log in again with `convox login`'],
    [
      'POST',
      '/switch',
      'the Rack is chosen on your side',
      'run `convox switch` with a newer client',
    ],
    ['POST', '/racks', 'Racks cannot be moved into this Console'],
    ['PUT', '/racks/:organization/:rack', 'this Console keeps no Terraform state'],
    ['DELETE', '/racks/:organization/:rack', 'Racks cannot be moved out of this Console'],
    ['POST', '/racks/:organization/:rack/install', 'this Console does not install Racks yet'],
    ['POST', '/racks/:organization/:rack/sync', 'there is nothing to sync in this Console'],
    ['GET', '/racks/:organization/:rack/runtimes', 'this Console has no runtimes'],
    ['PUT', '/racks/:organization/:rack/runtimes', 'this Console has no runtimes'],
    ['GET', '/racks/:organization/:rack/workflows', 'this Console has no workflows'],
    ['POST', '/racks/:organization/:rack/workflows/:id/run', 'this Console has no workflows'],
    ['GET', '/organizations/:organization/runtimes', 'this Console has no runtimes'],
  ]

/** The Console's own part of the Convox protocol (protocol.md 1.4, 2.1, 2.5, 8.5). */
export function createProtocolRoutes(
  context: ConsoleContext,
  authenticate: KeyAuthenticator,
): Hono<EdgeEnv> {
  const { directory } = context
  const app = new Hono<EdgeEnv>()

  app.get('/check', (c) => c.text('ok\n'))
  app.get('/livez', (c) => c.text('ok\n'))
  app.get('/readyz', async (c) => {
    const ready = await isReady(context)
    return c.text(ready ? 'ok\n' : 'not ready\n', ready ? 200 : 503)
  })

  app.use(async (c, next) => {
    const { authorization, accept } = c.env.incoming.headers
    if (authorization === undefined && listsHtml(accept)) return c.redirect('/', 303)
    return next()
  })
  app.use(requireKey(authenticate))
  app.get('/auth', (c) => c.json({ id: c.var.actor.id }))
  app.get('/racks', (c) => c.json(directory.racksOf(c.var.actor).map(rackSummary)))
  app.get('/racks/:organization/:rack', (c) => {
    const { organization, rack: name } = c.req.param()
    const rack = directory
      .racksOf(c.var.actor)
      .find((entry) => entry.organization.name === organization && entry.name === name)
    if (rack === undefined) {
      throw new KeyrackError('not-found', 'no such Rack, or it is not yours', {
        hint: 'run `convox racks`',
      })
    }
    return c.json(rackDetails(rack))
  })
  app.get('/machines', (c) => c.json([]))
  for (const [method, path, text, hint] of ABSENT) {
    app.on(method, path, () => {
      throw new KeyrackError('not-implemented', text, hint === undefined ? {} : { hint })
    })
  }
  // Official v3 takes an empty 404 for "this server is older than the route" (protocol.md 1.7).
  app.all('*', (c) => c.body(null, 404))
  return app
}

async function isReady({ ready, log }: ConsoleContext): Promise<boolean> {
  try {
    await ready()
    return true
  } catch (error) {
    log.warn({ err: error }, 'not ready')
    return false
  }
}
