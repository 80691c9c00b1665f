import { errorText } from '@keyrack/protocol'
import type { RackEntry } from '../directory.ts'
import type { KeyReport } from '../rack-rolls/rack-rolls.ts'
import { hasEnded } from '../rack-rolls/roll.ts'
import { Alert } from './alert.tsx'
import { type FormFailure, sentence } from './form-failure.ts'
import { KeyFacts } from './key-facts.tsx'
import { Layout } from './layout.tsx'
import { RackHead } from './rack-head.tsx'
import { RollForm } from './roll-form.tsx'
import { OpenRoll, RollOutcome, RollProgress } from './roll-progress.tsx'
import { RollSchedule } from './roll-schedule.tsx'

export interface RackSettingsPageProps {
  email: string
  rack: RackEntry
  /** Or why this person may not see and roll the key. */
  report: KeyReport | string
  values: ReadonlyMap<string, string> | undefined
  failure: FormFailure | undefined
}

export function RackSettingsPage({ email, rack, report, values, failure }: RackSettingsPageProps) {
  const above = failure !== undefined && failure.field === undefined ? failure.text : undefined
  return (
    <Layout
      title={`Settings of ${rack.organization.name}/${rack.name}`}
      email={email}
      current="racks"
    >
      <RackHead rack={rack} current="settings" />
      {above === undefined ? null : (
        <Alert>
          <p>{above}</p>
          {typeof report === 'string' ? null : <KeyInForce report={report} />}
        </Alert>
      )}
      {typeof report === 'string' ? (
        <section class="panel" aria-labelledby="key-title">
          <h2 id="key-title">API key</h2>
          <p>The Console holds the key of this Rack and puts it in for everybody who may use it.</p>
          <p>{report}</p>
        </section>
      ) : (
        <KeySettings report={report} values={values} failure={failure} />
      )}
    </Layout>
  )
}

/** What a failure did not touch, where nothing is under way. */
function KeyInForce({ report: { roll } }: { report: KeyReport }) {
  if (roll !== undefined && !hasEnded(roll)) return null
  return <p>No roll is under way: the key in force stays as it is.</p>
}

function KeySettings({
  report,
  values,
  failure,
}: Pick<RackSettingsPageProps, 'values' | 'failure'> & { report: KeyReport }) {
  const { rack, roll, schedule, foreseen } = report
  const open = roll !== undefined && !hasEnded(roll)
  return (
    <>
      <section class="panel" aria-labelledby="key-title">
        <h2 id="key-title">API key</h2>
        <p>
          The Console holds the key of this Rack, sealed, and puts it in for everybody who may use
          it. Nobody is shown it.
        </p>
        <RollProgress report={report}>
          <KeyFacts report={report} />
          {roll === undefined || open ? null : <RollOutcome rack={rack} roll={roll} />}
          {open ? <OpenRoll report={report} roll={roll} /> : null}
          {!open && 'method' in foreseen ? (
            <RollForm
              rack={rack}
              roll={roll}
              method={foreseen.method}
              values={values}
              failure={failure}
            />
          ) : null}
          {!open && 'impossible' in foreseen ? (
            <p>{sentence(errorText(foreseen.impossible))}</p>
          ) : null}
        </RollProgress>
      </section>
      {'method' in foreseen ? <RollSchedule rack={rack} schedule={schedule} /> : null}
    </>
  )
}
