/**
 * - `error`: it does not work, or somebody gets in who should not.
 * - `warning`: it works, and is weaker or more awkward than it need be.
 * - `note`: good to know.
 */
export type FindingSeverity = 'error' | 'warning' | 'note'

/** What a rule may name in its words. */
export interface Place {
  readonly origin: string
  /** The application that is looked at; empty when none is. */
  readonly application: string
  /** Its organization, as far as it is known. */
  readonly organization: string
}

/** Where to change something. */
export interface Setting {
  /** The page of Casdoor's own administration, or the file. */
  readonly page: string
  /** As the page calls it, and in parentheses as the API does. */
  readonly field: string
  /** What it should be. */
  readonly to: string
}

/** What is always the same about a finding. */
export interface FindingRule {
  readonly severity: FindingSeverity
  /** One line. */
  readonly title: string
  readonly why: string
  readonly setting: (place: Place) => Setting
  /** The options of `doorman casdoor setup` that do it; absent where it does not. */
  readonly setup?: (place: Place) => string
}
