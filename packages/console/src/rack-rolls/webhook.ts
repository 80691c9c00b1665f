import { setTimeout as sleep } from 'node:timers/promises'
import { messageMac, type Secret } from '@keyrack/secrets'
import type { Logger } from '@keyrack/server'

export interface WebhookSettings {
  /** https, or plain http to this machine. */
  url: string
  secret: Secret
}

const TRIES = 5
const FIRST_WAIT_MS = 1_000
const LIMIT_MS = 10_000

export interface WebhookOptions {
  settings: WebhookSettings | undefined
  log: Logger
  clock: () => number
  firstWaitMs?: number
}

/** Tells somebody's program what an administrator has to know. */
export interface Webhook {
  /** Resolves when it was taken or given up; never throws. */
  send(event: Record<string, unknown>): Promise<void>
  stop(): void
}

/**
 * Each message is signed: `Keyrack-Signature` is HMAC-SHA256, hex, over `timestamp.body`, where the
 * timestamp (seconds since 1970) is in `Keyrack-Timestamp`, so that an old message cannot be sent
 * again later. Redirects are not followed. A few tries, then the log has it.
 */
export function createWebhook({ settings, log, clock, ...options }: WebhookOptions): Webhook {
  const stopping = new AbortController()
  return {
    stop: () => stopping.abort(),
    async send(event) {
      if (settings === undefined) return
      const body = JSON.stringify(event)
      let waitMs = options.firstWaitMs ?? FIRST_WAIT_MS
      for (let tries = 1; tries <= TRIES; tries += 1) {
        const failure = await post(settings, body, clock, stopping.signal)
        if (failure === undefined || stopping.signal.aborted) return
        log.warn({ tries, failure }, 'a webhook was not taken')
        if (tries === TRIES) return
        await sleep(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined)
        waitMs *= 2
      }
    },
  }
}

async function post(
  { url, secret }: WebhookSettings,
  body: string,
  clock: () => number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const timestamp = String(Math.floor(clock() / 1000))
  try {
    const answer = await fetch(url, {
      method: 'POST',
      body,
      redirect: 'error',
      headers: {
        'Content-Type': 'application/json',
        'Keyrack-Timestamp': timestamp,
        'Keyrack-Signature': messageMac(secret, `${timestamp}.${body}`),
      },
      signal: AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]),
    })
    await answer.body?.cancel()
    return answer.ok ? undefined : `it answered ${answer.status}`
  } catch (error) {
    return error instanceof Error ? error.message : 'it could not be reached'
  }
}
