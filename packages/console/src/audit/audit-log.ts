import type { Tx } from '../context.ts'

export interface AuditEvent {
  /** Null: the server's own chain. */
  organizationId: string | null
  actor: { id: string | null; name: string }
  /** A route name or a domain action. */
  action: string
  target: string
  rackId?: string
  requestId: string
  address: string
}

export interface AuditOutcome {
  status: number
  note?: string
}

/** Two appended rows per write. Nothing here updates or deletes a row. */
export class AuditLog {
  /** Appends the `started` row; the answer is what `finished` takes. */
  async started(_event: AuditEvent, _tx?: Tx): Promise<string> {
    throw new TypeError('not written yet')
  }

  async finished(_id: string, _outcome: AuditOutcome, _tx?: Tx): Promise<void> {
    throw new TypeError('not written yet')
  }

  /** Both rows at once, for a write that is one transaction. */
  async record(_event: AuditEvent, _outcome: AuditOutcome, _tx?: Tx): Promise<void> {
    throw new TypeError('not written yet')
  }
}
