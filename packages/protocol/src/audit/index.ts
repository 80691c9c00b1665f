export {
  ACTOR_HEADER,
  ActorStatement,
  auditTarget,
  RackAction,
  RackActions,
  readActor,
  signActor,
} from './actor-statement.ts'
export {
  type AuditRow,
  CHAIN_START,
  type ChainPosition,
  type ChainProblem,
  ChainVerifier,
  rowHash,
  verifyChain,
  WHOLE_CHAIN,
} from './audit-chain.ts'
export {
  AUDIT_EXPORT_FORMAT,
  AuditEntry,
  AuditExportStart,
  AuditPage,
  AuditRowShape,
} from './audit-export.ts'
export { type AuditHead, auditHeadText, type SignedAuditHead } from './audit-head.ts'
