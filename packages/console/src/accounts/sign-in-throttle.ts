/** Growing delays per account and address, and per address. */
export class SignInThrottle {
  /** Counts an attempt as failed until `succeeded`; throws `throttled` when it comes too early. */
  attempt(_subject: string, _address: string): void {
    throw new TypeError('not written yet')
  }

  succeeded(_subject: string, _address: string): void {
    throw new TypeError('not written yet')
  }
}
