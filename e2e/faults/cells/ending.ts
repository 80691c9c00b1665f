import { NO_PROCESS, type Row } from './cell.ts'

const CRASH = 'e2e/crash.test.ts'
const INSTALL = 'e2e/install.test.ts'
const RACKS = 'e2e/racks.test.ts'
const TWO = 'e2e/two-consoles.test.ts'
const SIGNALS = 'e2e/faults/signals.test.ts'
const CONSOLE_MAIN = 'packages/console/src/main.test.ts'
const RACK_MAIN = 'packages/rack/src/main.test.ts'
const ENGINE = 'packages/rack/src/engines/local/local-engine.test.ts'
const ORPHANS = 'packages/rack/src/engines/local/orphans.test.ts'
const POSTGRES = 'packages/server/src/postgres/postgres-store.test.ts'
const CONFIG_FOLDER = 'packages/cli/src/config-folder/config-folder.test.ts'

export const ENDING = {
  'kill -9': {
    Console: {
      'at rest': {
        shownBy: [
          [CRASH, 'of the Console leaves no process behind, and a restart has everything'],
          [
            CONSOLE_MAIN,
            'by kill -9 takes the Rack with it, and the next start finds both as they were',
          ],
          ['packages/server/src/folder-lock.test.ts', 'is free as soon as its holder is killed'],
        ],
      },
      'in the middle of a request': {
        shownBy: [
          [CRASH, 'of the Console while keys are regenerated loses no key it gave out'],
          [CONSOLE_MAIN, 'during the first sign-up leaves all of the account or nothing'],
          [
            RACKS,
            'leaves nothing when the Console is killed in the middle of it, and works afterwards',
          ],
          [
            TWO,
            'go on when one is killed: what it acknowledged is kept, and it comes back as it was',
          ],
          [
            SIGNALS,
            'ends the Console while keys are made: every key that it gave out is kept, nothing is left',
          ],
          [
            'packages/server/src/sqlite/durability.test.ts',
            'loses no acknowledged row and leaves no half transaction, kill after kill',
          ],
          [POSTGRES, 'go on when one is killed in the middle of a write, which leaves nothing'],
          [
            'packages/console/src/audit/audit-log.test.ts',
            'ends as unknown, at the next start, what a crash cut off',
          ],
        ],
      },
    },
    Rack: {
      'at rest': {
        shownBy: [
          [CRASH, 'of the Rack is healed by the Console, with the same instances'],
          [RACK_MAIN, 'comes back after kill -9 with everything, and leaves no process behind'],
          [
            INSTALL,
            'stops and starts under the same address, with the same instances, and leaves nothing running',
          ],
        ],
      },
      'in the middle of a request': {
        shownBy: [
          [
            'packages/rack/src/http/system-routes.test.ts',
            'while it changes its size has, when it is back, the size that it acknowledged',
          ],
          [RACK_MAIN, 'survives kill -9 at any moment of its first start'],
          [
            SIGNALS,
            'ends the Rack: the command fails and says so, nothing is left, the same instances run',
          ],
        ],
      },
    },
    instance: {
      'at rest': {
        shownBy: [
          [
            ORPHANS,
            'ends everything that an instance started when the instance is killed',
            'ends at the next start what was left when Rack and instances were killed at once',
          ],
        ],
      },
      'in the middle of a request': {
        shownBy: [
          [CRASH, 'of an instance ends in another one, and its shell says so'],
          [
            SIGNALS,
            'ends an instance: the command fails and says so, nothing is left, another one runs',
          ],
        ],
      },
    },
    'command line': {
      'at rest': NO_PROCESS,
      'in the middle of a request': {
        shownBy: [
          [
            CONFIG_FOLDER,
            'that is killed at any moment leaves the old or the new text, and stops nobody',
          ],
          [
            'packages/cli/src/config-folder/lock.test.ts',
            'lets one process in at a time, whichever of them are killed inside',
          ],
          [
            SIGNALS,
            'ends the command line: what it had started on the instance ends, and nothing else',
            'leaves a Rack that made it or did not, and takes it again',
          ],
          [
            INSTALL,
            'leaves what the same command finishes, and what uninstall removes: %s',
            'of an uninstall leaves what a second one removes',
            'leaves a Rack that starts again: %s, at %s',
          ],
        ],
      },
    },
  },
  SIGTERM: {
    Console: {
      'at rest': {
        shownBy: [
          [CRASH, 'by SIGTERM ends with 0 and leaves nothing running'],
          [CONSOLE_MAIN, 'on SIGTERM stops the Rack too and exits with 0'],
        ],
      },
      'in the middle of a request': {
        shownBy: [
          [
            SIGNALS,
            'ends the Console while keys are made: every key that it gave out is kept, nothing is left',
          ],
          [
            'packages/console/src/listeners.test.ts',
            'cut what does not end within the grace, upgraded connections too',
          ],
        ],
      },
    },
    Rack: {
      'at rest': {
        shownBy: [
          [
            RACK_MAIN,
            'has the same id, port, certificate and instances, and needs no key hash any more',
          ],
          [ORPHANS, 'stops with its Rack, and nothing is left'],
        ],
      },
      'in the middle of a request': {
        shownBy: [
          [
            SIGNALS,
            'ends the Rack: the command fails and says so, nothing is left, the same instances run',
          ],
          [RACK_MAIN, 'tells its clients when it is stopped by a signal'],
          [
            'packages/rack/src/http/upgrade-listener.test.ts',
            'lets a request that it has begun have its answer',
            'does not wait for a client that does not read',
          ],
        ],
      },
    },
    instance: {
      'at rest': {
        shownBy: [
          [
            ORPHANS,
            'ends everything that an instance started when it is terminated, nohup and setsid too',
          ],
          [ENGINE, 'kills an instance that does not stop when it is asked to'],
        ],
      },
      'in the middle of a request': {
        shownBy: [
          [
            SIGNALS,
            'ends an instance: the command fails and says so, nothing is left, another one runs',
          ],
        ],
      },
    },
    'command line': {
      'at rest': NO_PROCESS,
      'in the middle of a request': {
        shownBy: [
          [
            SIGNALS,
            'ends the command line: what it had started on the instance ends, and nothing else',
          ],
        ],
      },
    },
  },
} satisfies Record<string, Row>
