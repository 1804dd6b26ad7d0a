import { EnrichdError } from '../errors.js'

/** `USAGE`: the command line makes no sense. The message is one short hint. */
export class UsageError extends EnrichdError {
  constructor(message: string) {
    super('USAGE', message, { kind: 'setting' })
  }
}
