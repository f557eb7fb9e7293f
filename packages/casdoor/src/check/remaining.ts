import { textOf, type CasdoorRecord } from '../records.ts'
import { makeFinding, type Finding } from './finding.ts'
import { judgeHidden, judgeVisible } from './judge-application.ts'

/** What a set-up has left as it was, because somebody may have meant it. Asks nothing. */
export function remainingFindings(application: CasdoorRecord, origin: string): readonly Finding[] {
  const place = {
    origin,
    application: textOf(application, 'name'),
    organization: textOf(application, 'organization'),
  }
  return [...judgeVisible(application), ...judgeHidden(application)].map(({ id, evidence }) =>
    makeFinding(id, evidence, place),
  )
}
