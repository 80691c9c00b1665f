export interface HealthAnswer {
  status: number
  headers: Record<string, string>
  body: string
}

export interface Health {
  livez(): HealthAnswer
  readyz(): Promise<HealthAnswer>
}

export function createHealth(
  _checks: Record<string, () => Promise<void> | void>,
  _timeoutMs = 2000,
): Health {
  throw new Error('not written yet')
}
