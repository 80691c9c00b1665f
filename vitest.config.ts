import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

// As Node has them, but for "source". "module" is for bundlers: what the AWS SDK has there does not load.
const conditions = ['source', 'node', 'development|production']
const postgresIsInstalled = existsSync('/usr/lib/postgresql')

/** Is not about the database: the browser's side, the proxy, the local Rack and the program as such. */
const NOT_ABOUT_THE_DATABASE = [
  'packages/console/src/web/{browser,rack-browser,accessibility}.test.ts',
  'packages/console/src/{proxy,web/testing}/**',
  'packages/console/src/racks/local-rack.test.ts',
  // About the Rack and the network; rolls on PostgreSQL are in the other tests of that folder.
  'packages/console/src/rack-rolls/{kill-matrix,lost-replies,official-racks,zero-failures}.test.ts',
  'packages/console/src/rack-rolls/{reconcile,replicas}.test.ts',
  'packages/console/src/main.test.ts',
  // About the files of a data folder; on-postgresql.test.ts runs on PostgreSQL in any case.
  'packages/console/src/host-commands/**',
  // Starts its own Consoles on PostgreSQL in any case.
  'packages/console/src/follow-directory.test.ts',
]

const globalSetup = ['./packages/server/src/testing/postgres-setup.ts']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    globalSetup: ['./optional-parts.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    // Bounds a test that hangs; how fast a loaded machine is, no test may tell.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Most tests wait for other processes, so more of them than cores go on at once.
    maxWorkers: Math.max(availableParallelism(), 3),
    projects: [
      {
        extends: true as const,
        test: {
          name: 'all',
          include: ['packages/*/src/**/*.test.{ts,tsx}', 'e2e/**/*.test.ts'],
          globalSetup,
          provide: { database: 'SQLite' },
        },
      },
      // The Console's whole suite once more, on a PostgreSQL server.
      ...(postgresIsInstalled
        ? [
            {
              extends: true as const,
              test: {
                name: 'postgres',
                include: ['packages/console/src/**/*.test.{ts,tsx}'],
                exclude: ['**/node_modules/**', '**/dist/**', ...NOT_ABOUT_THE_DATABASE],
                globalSetup,
                provide: { database: 'PostgreSQL' as const },
              },
            },
          ]
        : []),
    ],
    coverage: {
      // The package that holds all cryptography: nothing in it goes untested.
      include: ['packages/secrets/src/**/*.ts'],
      exclude: ['**/*.test.ts'],
      reporter: ['text-summary'],
      thresholds: { 100: true },
    },
  },
})
