/** One request as somebody who looks for a mistake may see it: no header, no body, no key. */
export interface Seen {
  method: string
  url: string
  /** Undefined when there was no answer. */
  status: number | undefined
  ms: number
  requestId: string | undefined
}

export type See = (seen: Seen) => void

/** Times a request and tells of it, once. */
export function watch(
  see: See | undefined,
  method: string,
  url: string,
  now: () => number = () => performance.now(),
) {
  const began = now()
  let told = false
  const tell = (status: number | undefined, requestId: string | undefined): void => {
    if (told) return
    told = true
    see?.({ method, url, status, ms: Math.round(now() - began), requestId })
  }
  return {
    answered: (status: number, requestId: string | undefined) => tell(status, requestId),
    /** Gives the error back, to be thrown. */
    failed<T>(error: T): T {
      tell(undefined, undefined)
      return error
    },
  }
}
