import { secretsInUse } from '../assembly/secrets-in-use.js'
import type { Config } from '../config/schema.js'
import { maskSecrets } from '../telemetry/mask-secrets.js'
import type { CommandContext } from './command.js'
import { findingLine, type Report } from './finding.js'

export interface OpenReport {
  readonly report: Report
  /** How many lines say FAIL so far. */
  readonly failures: number
}

/** A report on the standard output. What servers said may quote our credentials: no line contains a secret. */
export function openReport(
  config: Config,
  { stdout, environment }: Pick<CommandContext, 'stdout' | 'environment'>,
): OpenReport {
  const { secrets, userNames } = secretsInUse(config, environment)
  const mask = maskSecrets(secrets, userNames)
  let failures = 0
  return {
    report: (finding) => {
      if (finding.status === 'FAIL') failures++
      stdout.write(`${mask(findingLine(finding))}\n`)
    },
    get failures() {
      return failures
    },
  }
}
