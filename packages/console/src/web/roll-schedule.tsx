import { displayName } from '../proxy/find-rack.ts'
import type { KeyReport } from '../rack-rolls/rack-rolls.ts'
import { Copyable } from './copyable.tsx'
import { settingsPath } from './rack-path.ts'
import { Time } from './time.tsx'

const SUGGESTED_SECONDS = 30 * 86_400

/** Rolling without being asked. */
export function RollSchedule({ rack, schedule }: Pick<KeyReport, 'rack' | 'schedule'>) {
  return (
    <section class="panel" aria-labelledby="schedule-title">
      <h2 id="schedule-title">Schedule</h2>
      {schedule === undefined ? (
        <p>Off: the key is rolled when somebody asks for it.</p>
      ) : (
        <p>
          On: the Console rolls the key by itself every {period(schedule.every_ms)}, next{' '}
          <Time at={schedule.next_at} />. {schedule.set_by_name} wants it so.
        </p>
      )}
      <form class="choices" method="post" action={`${settingsPath(rack)}/schedule`}>
        <button
          type="submit"
          name="every_seconds"
          value={schedule === undefined ? String(SUGGESTED_SECONDS) : 'off'}
        >
          {schedule === undefined ? 'Roll every 30 days' : 'Turn the schedule off'}
        </button>
      </form>
      <p class="note">The same from your terminal, where you can choose another time as well:</p>
      <Copyable
        id="schedule-line"
        label="command for the schedule"
        text={`convox rack key schedule ${displayName(rack)} --every ${schedule === undefined ? '30d' : 'off'}`}
        command
      />
    </section>
  )
}

function period(ms: number): string {
  const hours = ms / 3_600_000
  const [count, unit] = hours % 24 === 0 ? [hours / 24, 'day'] : [hours, 'hour']
  return count === 1 ? unit : `${count} ${unit}s`
}
