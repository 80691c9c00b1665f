export * from './databases.ts'
export { type PostgresServerProcess, startPostgres } from './postgres-server.ts'
