/**
 * How far a worker is with the texts of one task, in memory that both threads see: the only way to know which of several
 * texts holds up a thread that cannot answer.
 */
export type Progress = Int32Array<SharedArrayBuffer>

const finished = 0
const startedAt = 1
const notStarted = -1

export function createProgress(): Progress {
  const progress = new Int32Array(new SharedArrayBuffer(8))
  progress[startedAt] = notStarted
  return progress
}

/** By the worker, when it begins with the text at `index`. */
export function begin(progress: Progress, index: number): void {
  Atomics.store(progress, finished, index)
  Atomics.store(progress, startedAt, monotonicMs())
}

/** The text being worked on and for how long; `undefined` while the worker has not begun with the first. */
export function current(progress: Progress): { index: number; elapsedMs: number } | undefined {
  const began = Atomics.load(progress, startedAt)
  if (began === notStarted) return undefined
  return { index: Atomics.load(progress, finished), elapsedMs: (monotonicMs() - began) & 0x7fffffff }
}

/** Milliseconds of a clock that all threads share, in 31 bits; it wraps after 24 days. */
function monotonicMs(): number {
  return Number((process.hrtime.bigint() / 1_000_000n) & 0x7fffffffn)
}
