import { NO_PROCESS, type Row } from './cell.ts'

const DISK = 'e2e/faults/full-disk.test.ts'
const READ_ONLY = 'e2e/faults/read-only.test.ts'
const RACK_MAIN = 'packages/rack/src/main.test.ts'
const ENGINE = 'packages/rack/src/engines/local/local-engine.test.ts'
const POSTGRES = 'packages/server/src/postgres/postgres-store.test.ts'
const CONFIG_FOLDER = 'packages/cli/src/config-folder/config-folder.test.ts'

export const DISKS = {
  'full disk': {
    Console: {
      'at rest': {
        shownBy: [
          [DISK, 'the Console: it says which file and what to do, and starts when there is room'],
        ],
      },
      'in the middle of a request': {
        shownBy: [
          [
            DISK,
            'the Console serves: nothing is acknowledged that was not stored, and what is stored works',
          ],
          [
            'packages/server/src/sqlite/sqlite-store.test.ts',
            'on a full disk fails the write with a sentence and stays readable',
          ],
          [POSTGRES, 'of a full disk, a lock or a stopping server is a sentence'],
        ],
      },
    },
    Rack: {
      'at rest': {
        shownBy: [
          [DISK, 'a Rack: it says which file and what to do, and starts when there is room'],
        ],
      },
      'in the middle of a request': {
        shownBy: [
          [
            DISK,
            'a Rack serves: its size stays what it acknowledged, and it changes when there is room',
          ],
          [
            'packages/rack/src/system/instance-count.test.ts',
            'stays what it was when it cannot be stored, and the next request is not stuck',
          ],
          [
            'packages/rack/src/system/system-log.test.ts',
            'goes on when it cannot be stored, and stores what was missed when it can again',
          ],
        ],
      },
    },
    instance: {
      'at rest': {
        shownBy: [
          [DISK, 'an instance is started: another one is, as soon as there is room'],
          [ENGINE, 'replaces an instance that ended although it cannot record that'],
        ],
      },
      'in the middle of a request': {
        shownBy: [
          [DISK, 'a command runs on an instance: the command is told, and its status passed on'],
        ],
      },
    },
    'command line': {
      'at rest': NO_PROCESS,
      'in the middle of a request': {
        shownBy: [[CONFIG_FOLDER, 'to a full disk says so and changes nothing']],
      },
    },
  },
  'full standard output': {
    Console: {
      'at rest': {
        shownBy: [
          [DISK, 'costs the lines of a Console and its Rack, neither of them their life'],
          ['packages/server/src/log.test.ts', 'does not end the server'],
        ],
      },
      'in the middle of a request': {
        shownBy: [[DISK, 'costs the lines of a Console and its Rack, neither of them their life']],
      },
    },
    Rack: {
      'at rest': {
        shownBy: [
          [DISK, 'costs the lines of a Console and its Rack, neither of them their life'],
          [
            'packages/server/src/log-file.test.ts',
            'does not end the server when it cannot be written or put aside',
          ],
        ],
      },
      'in the middle of a request': {
        shownBy: [[DISK, 'costs the lines of a Console and its Rack, neither of them their life']],
      },
    },
    instance: {
      'at rest': { none: 'it writes to its Rack only, through a pipe' },
      'in the middle of a request': { none: 'it writes to its Rack only, through a pipe' },
    },
    'command line': {
      'at rest': NO_PROCESS,
      'in the middle of a request': {
        shownBy: [
          [DISK, 'the command line shows a result: it fails and says so'],
          ['packages/cli/src/terminal.test.ts', 'that cannot be written is a failure'],
        ],
      },
    },
  },
  'read-only folder': {
    Console: {
      'at rest': {
        shownBy: [
          [READ_ONLY, 'of the Console is named, with what to do, and leaves nothing running'],
          [
            'packages/server/src/sqlite/sqlite-store.test.ts',
            'in a folder this user may not write stops the start with a sentence',
          ],
        ],
      },
      'in the middle of a request': {
        shownBy: [
          [
            READ_ONLY,
            'loses nothing acknowledged, begins nothing that cannot be recorded, and stops no command',
          ],
        ],
      },
    },
    Rack: {
      'at rest': {
        shownBy: [
          [READ_ONLY, 'of the local Rack is named and stops nothing else, until it can be written'],
          [RACK_MAIN, 'in a folder that cannot be written, saying which'],
        ],
      },
      'in the middle of a request': {
        shownBy: [
          [
            READ_ONLY,
            'loses nothing acknowledged, begins nothing that cannot be recorded, and stops no command',
          ],
          [ENGINE, 'terminates nothing that it cannot record, and terminates it when it can again'],
        ],
      },
    },
    instance: {
      'at rest': {
        shownBy: [
          [
            READ_ONLY,
            'loses nothing acknowledged, begins nothing that cannot be recorded, and stops no command',
          ],
        ],
      },
      'in the middle of a request': {
        shownBy: [
          [
            READ_ONLY,
            'loses nothing acknowledged, begins nothing that cannot be recorded, and stops no command',
          ],
        ],
      },
    },
    'command line': {
      'at rest': NO_PROCESS,
      'in the middle of a request': {
        shownBy: [
          [
            READ_ONLY,
            'is enough for every command that changes nothing there; the others say what to do',
          ],
          [CONFIG_FOLDER, 'to a folder that is read-only says so and changes nothing'],
        ],
      },
    },
  },
} satisfies Record<string, Row>
