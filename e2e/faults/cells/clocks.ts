import { NO_PROCESS, type Row } from './cell.ts'

const CLOCK = 'e2e/faults/clock.test.ts'

export const CLOCKS = {
  'clock set forward or back': {
    Console: {
      'at rest': {
        shownBy: [
          [CLOCK, 'in the past or far ahead while it starts: everything acknowledged is there'],
          ['packages/server/src/tls.test.ts', 'is made anew for the same key before it ends'],
        ],
      },
      'in the middle of a request': {
        shownBy: [
          [
            CLOCK,
            'forward and back ends nothing that is under way',
            'forward ends what was to end by then, and no key of a person; back, nothing lives too long',
          ],
          [
            'packages/console/src/sessions/sessions.test.ts',
            'is over when it was made while the clock was ahead, or it would outlive its limits',
          ],
          [
            'packages/console/src/organizations/invite.test.ts',
            'is not valid when it was made while the clock was ahead, or it would be for too long',
          ],
          [
            'packages/server/src/key-throttle.test.ts',
            'does not follow the clock of the machine when that is set',
          ],
          [
            'packages/console/src/follow-directory.test.ts',
            'answers from memory for one second of its own clock after it has asked, and not longer',
          ],
        ],
      },
    },
    Rack: {
      'at rest': {
        shownBy: [
          [
            CLOCK,
            'forward and back, also at its start, changes neither instances nor keys, and its log goes on',
          ],
        ],
      },
      'in the middle of a request': {
        shownBy: [
          [
            CLOCK,
            'forward and back, also at its start, changes neither instances nor keys, and its log goes on',
          ],
          [
            'packages/rack/src/system/stream-logs.test.ts',
            'shows new lines although the clock was put back',
          ],
        ],
      },
    },
    instance: {
      'at rest': { none: 'it keeps no times: its Rack knows when it started' },
      'in the middle of a request': { none: 'it compares no times, and SSH does not either' },
    },
    'command line': {
      'at rest': NO_PROCESS,
      'in the middle of a request': {
        shownBy: [
          [
            CLOCK,
            'by ten years, in either direction, changes nothing about what it trusts and shows',
          ],
          [
            'packages/protocol/src/client/connect.test.ts',
            'connects to a pinned certificate that expired: the pin alone decides',
          ],
        ],
      },
    },
  },
} satisfies Record<string, Row>
