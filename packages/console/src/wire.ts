export type { ConsoleContext, Domain, RequestContext, Tx } from './context.ts'
