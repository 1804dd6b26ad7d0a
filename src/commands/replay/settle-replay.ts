import { deadLetterHeaders } from '../../dead-letter/dead-letter.js'
import type { DeadLetterWriter } from '../../dead-letter/dead-letter-writer.js'
import type { ReturnedLetter } from '../../dead-letter/read-dead-letter.js'
import type { Finished, Rejected } from '../../delivery/delivery.js'
import type { Telemetry } from '../../telemetry/telemetry.js'
import type { ReplaySource } from './replay-source.js'

/** What became of the letters that were selected. */
export interface ReplayOutcome {
  indexed: number
  rejectedAgain: number
  dropped: number
  released: number
}

export interface SettleReplayOptions {
  readonly source: Pick<ReplaySource, 'settle' | 'release' | 'letterOf'>
  readonly deadLetters: Pick<DeadLetterWriter, 'write'>
  readonly telemetry: Telemetry
  readonly outcome: ReplayOutcome
  /** Something may be noted now. */
  readonly touch: () => void
}

/**
 * The end of a replayed record: settled once it is indexed, dropped, or, rejected again, among the dead letters again with
 * its attempts counted.
 */
export function settleReplay(options: SettleReplayOptions): (finished: Finished) => void | Promise<void> {
  const { source, deadLetters, telemetry, outcome, touch } = options
  const end = (finished: Finished, as: keyof ReplayOutcome): void => {
    outcome[as]++
    if (as === 'released') source.release(finished.record)
    else source.settle(finished.record)
    telemetry.recordFinished(finished, Math.max(0, Date.now() - finished.record.timestampMs))
    touch()
  }
  const settleRejected = async (rejected: Rejected): Promise<void> => {
    const letter = source.letterOf(rejected.record)
    const written = await deadLetters.write(letter === undefined ? rejected : again(rejected, letter))
    if (written) end(rejected, 'rejectedAgain')
    else end({ status: 'released', record: rejected.record }, 'released')
  }
  return (finished) => {
    if (finished.status === 'rejected') return settleRejected(finished)
    end(finished, finished.status)
  }
}

/** The dead letter that it is now: its attempts are those of all its lives. */
export function again(rejected: Rejected, { attempts, replays }: ReturnedLetter): Rejected {
  const { record } = rejected
  const headers = { ...record.headers, [deadLetterHeaders.replays]: String(replays + 1) }
  return { ...rejected, attempts: attempts + rejected.attempts, record: { ...record, headers } }
}
