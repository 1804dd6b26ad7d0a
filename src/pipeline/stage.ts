/**
 * A stage: a function from one asynchronous iterable to another. Stages compose, and anybody can write one.
 *
 * The contract that every stage of ours keeps, and that `test/pipeline/stage-contract.ts` checks:
 * - nothing happens before the first `next()`; then it pulls no more than its own stated bound, one `next()` of `source` at
 *   a time, and none for what a `ReadyIterator` has ready;
 * - when its consumer stops early (`return()`), or when its own work fails, it calls `return()` on `source`, once, and waits
 *   for that and for everything it has in flight before it ends. It does not wait for the source's next item first;
 * - an error of `source` reaches the consumer, once, after the items that were already under way; so does an error of its
 *   own. After an error it has ended;
 * - it raises no unhandled rejection.
 */
export type Stage<In, Out> = (source: AsyncIterable<In>) => AsyncIterable<Out>
