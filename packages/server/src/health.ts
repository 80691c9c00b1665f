export interface HealthAnswer {
  status: number
  headers: Record<string, string>
  body: string
}

export interface Health {
  /** Touches nothing: a liveness probe that asks the database makes two outages of one. */
  livez(): HealthAnswer
  /** Runs every check; what failed is named, why is not said (no detail for strangers). */
  readyz(): Promise<HealthAnswer>
}

type Check = () => Promise<void> | void

/** `checks` by the name an operator reads; one that hangs has failed after `timeoutMs`. */
export function createHealth(checks: Record<string, Check>, timeoutMs = 2000): Health {
  return {
    livez: () => answer(200, { status: 'ok' }),
    async readyz() {
      const results = await Promise.all(
        Object.entries(checks).map(async ([name, check]) => ((await passes(check)) ? [] : [name])),
      )
      const failed = results.flat()
      if (failed.length === 0) return answer(200, { status: 'ok' })
      return answer(503, { status: 'not ready', failed })
    },
  }

  async function passes(check: Check): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), timeoutMs)
    })
    const done = (async () => {
      await check()
      return true
    })().catch(() => false)
    try {
      return await Promise.race([done, late])
    } finally {
      clearTimeout(timer)
    }
  }
}

function answer(status: number, body: object): HealthAnswer {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  return { status, headers, body: `${JSON.stringify(body)}\n` }
}
