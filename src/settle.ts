import type { DeadLetterWriter } from './dead-letter/dead-letter-writer.js'
import type { RejectionGuard } from './dead-letter/rejection-guard.js'
import type { Finished, Rejected } from './delivery/delivery.js'
import type { RecordSource } from './source/record-source.js'
import type { Telemetry } from './telemetry/telemetry.js'

export interface SettleOptions {
  readonly source: Pick<RecordSource, 'settle' | 'release'>
  readonly deadLetters: Pick<DeadLetterWriter, 'write'>
  readonly guard: Pick<RejectionGuard, 'indexed' | 'pass'>
  readonly telemetry: Telemetry
}

/**
 * The end of the line, where an offset is settled: once a document is indexed, a dead letter is written, or a policy that
 * the user chose dropped the record. A released record stays in the source. Only a rejected record is waited for.
 */
export function settleWith({
  source,
  deadLetters,
  guard,
  telemetry,
}: SettleOptions): (finished: Finished) => void | Promise<void> {
  const end = (finished: Finished): void => {
    if (finished.status === 'indexed') guard.indexed()
    if (finished.status === 'released') source.release(finished.record)
    else source.settle(finished.record)
    telemetry.recordFinished(finished, Math.max(0, Date.now() - finished.record.timestampMs))
  }
  const settleRejected = async (rejected: Rejected): Promise<void> => {
    const finished = await guard.pass(rejected)
    if (finished.status !== 'rejected' || (await deadLetters.write(finished))) end(finished)
    else end({ status: 'released', record: finished.record })
  }
  return (finished) => {
    if (finished.status === 'rejected') return settleRejected(finished)
    end(finished)
  }
}
