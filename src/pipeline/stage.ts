/**
 * A stage: a function from one asynchronous iterable to another. Stages compose, and anybody can write one.
 *
 * The contract that every stage of ours keeps, and that `test/pipeline/stage-contract.ts` checks:
 * - it pulls from `source` only when asked for more, up to its own stated bound;
 * - when its consumer stops early (`return()`), when its own work fails, or when `source` fails, it calls `return()` on
 *   `source` and waits for everything it has in flight before it ends;
 * - an error of `source` reaches the consumer after the items that were already under way;
 * - it raises no unhandled rejection.
 */
export type Stage<In, Out> = (source: AsyncIterable<In>) => AsyncIterable<Out>
