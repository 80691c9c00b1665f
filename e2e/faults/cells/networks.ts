import { type Cell, NO_PROCESS, type Row } from './cell.ts'

const TWO = 'e2e/two-consoles.test.ts'
const NETWORK = 'e2e/faults/network.test.ts'
const ENGINE = 'packages/rack/src/engines/local/local-engine.test.ts'
const SHELL = 'packages/rack/src/instances/shell.test.ts'
const STREAMS = 'packages/rack/src/http/stream-handlers.test.ts'
const PROXY = 'packages/console/src/proxy'
const POSTGRES = 'packages/server/src/postgres/postgres-store.test.ts'
const CLIENT = 'packages/protocol/src/client/client.test.ts'

const NO_PEER: Cell = { none: 'nobody is waited for while nothing is asked' }
const NO_ANSWER: Cell = { none: 'an answer is cut only while there is one' }
export const NETWORKS = {
  'network cut': {
    Console: {
      'at rest': {
        shownBy: [
          [NETWORK, 'that is cut while nobody asks costs the next one who asks nothing'],
          [POSTGRES, 'while idle is replaced without anybody noticing'],
        ],
      },
      'in the middle of a request': {
        shownBy: [
          [
            NETWORK,
            'that is gone is told with the host, and what was under way ends; when it is back, all works',
            'after a change is told as a failure, and the same command again is safe',
          ],
          [TWO, 'answer 503 and stay alive while the database is away, and serve when it is back'],
          [POSTGRES, 'fails what it was in the middle of and nothing after that'],
        ],
      },
    },
    Rack: {
      'at rest': {
        shownBy: [
          [NETWORK, 'that is cut while nobody asks costs the next one who asks nothing'],
          [
            `${PROXY}/streaming.test.ts`,
            'and closed by the Rack in the meantime costs a read nothing',
            'is never used twice for a write that may have taken effect',
          ],
        ],
      },
      'in the middle of a request': {
        shownBy: [
          [
            NETWORK,
            'that is gone is told with the name of the Rack; the others and what is kept are untouched',
            'after a change is told as a failure of that Rack, and the same change again is safe',
          ],
          [`${PROXY}/failures.test.ts`, 'is never sent twice, also when it is a GET'],
        ],
      },
    },
    instance: {
      'at rest': {
        none: 'its Rack has a connection to it for each session, and none between them',
      },
      'in the middle of a request': {
        shownBy: [
          [
            SHELL,
            'that is cut at any byte is never an exit status, whatever of the output arrived',
            'that goes away during a session is not an exit status',
          ],
        ],
      },
    },
    'command line': {
      'at rest': NO_PROCESS,
      'in the middle of a request': {
        shownBy: [
          [
            NETWORK,
            'that is gone is told with the host, and what was under way ends; when it is back, all works',
          ],
          [
            `${PROXY}/streaming.test.ts`,
            'the Rack hears that the client did, in the middle of an upload',
          ],
          [
            'packages/console/src/http/api.test.ts',
            'a client that goes away in the middle of its body leaves nothing behind',
          ],
        ],
      },
    },
  },
  'slow peer': {
    Console: {
      'at rest': {
        shownBy: [
          [
            'packages/console/src/listeners.test.ts',
            'and is slow with a head (%j) is hung up on, over TLS and without',
          ],
        ],
      },
      'in the middle of a request': {
        shownBy: [
          [
            NETWORK,
            'the Console: who asks it waits and gets everything afterwards',
            'that is slow loses nothing: every byte arrives, however late',
          ],
        ],
      },
    },
    Rack: {
      'at rest': {
        shownBy: [
          [
            'packages/rack/src/http/https-server.test.ts',
            'and is slow with a head (%j) is told so and hung up on',
          ],
        ],
      },
      'in the middle of a request': {
        shownBy: [
          [
            NETWORK,
            'a Rack: the Console works, and what waits for it gets everything afterwards',
            'that is slow or stands still holds up only who asks that Rack, and loses nothing',
          ],
          [
            'packages/console/src/racks/ask-rack.test.ts',
            'takes a bounded time, however slowly it drips',
          ],
          [`${PROXY}/back-pressure.test.ts`, 'a Rack its client, which can then send everything'],
        ],
      },
    },
    instance: {
      'at rest': NO_PEER,
      'in the middle of a request': {
        shownBy: [
          [
            NETWORK,
            'an instance: the others work, and what waits for it gets everything afterwards',
          ],
          [ENGINE, 'shows an instance that does not answer as one without an agent'],
          [STREAMS, 'a command that does not read holds its client back instead of filling memory'],
        ],
      },
    },
    'command line': {
      'at rest': NO_PROCESS,
      'in the middle of a request': {
        shownBy: [
          [
            NETWORK,
            'that stands still holds up nobody else, and gives everything when it moves again',
          ],
          [STREAMS, 'a client that does not read holds its command back instead of filling memory'],
          [
            'packages/rack/src/system/stream-logs.test.ts',
            'holds its own stream back, and gets every kept line in order when it reads',
          ],
          [`${PROXY}/back-pressure.test.ts`, 'a client its Rack, and then gets everything'],
        ],
      },
    },
  },
  'truncated answer': {
    Console: {
      'at rest': NO_ANSWER,
      'in the middle of a request': {
        shownBy: [
          [
            NETWORK,
            'at any place is a failure for the command line, or arrived whole: never a part of it',
            'in a command on an instance is never its exit status, and the command ends there',
          ],
          [CLIENT, 'shorter than its length'],
        ],
      },
    },
    Rack: {
      'at rest': NO_ANSWER,
      'in the middle of a request': {
        shownBy: [
          [
            NETWORK,
            'at any place is a failure for its client, or arrived whole: never a part of it',
          ],
          [
            `${PROXY}/rack-oddities.test.ts`,
            'fewer bytes than announced are cut, never filled or ended',
          ],
          [
            `${PROXY}/upgrade.test.ts`,
            'breaks off for the client when the Rack dies: never a quiet end',
          ],
        ],
      },
    },
    instance: {
      'at rest': NO_ANSWER,
      'in the middle of a request': {
        shownBy: [
          [
            SHELL,
            'that is cut at any byte is never an exit status, whatever of the output arrived',
          ],
        ],
      },
    },
    'command line': {
      'at rest': NO_PROCESS,
      'in the middle of a request': {
        shownBy: [
          [
            'packages/cli/src/commands/instances.test.ts',
            'fails when the connection ends before the status',
          ],
          ['packages/cli/src/commands/rack/logs.test.ts', 'fails when the connection is cut'],
        ],
      },
    },
  },
} satisfies Record<string, Row>
