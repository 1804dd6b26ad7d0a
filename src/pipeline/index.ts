/**
 * Stages over asynchronous iterables, with every bound explicit. Nothing here knows of Kafka, HTTP or Elasticsearch.
 *
 * @example
 * import { batch, mapConcurrent, pipeline } from 'enrichd/pipeline'
 *
 * await pipeline(urls)
 *   .through(mapConcurrent((url) => download(url), { concurrency: 8, order: 'none' }))
 *   .through(batch({ count: 50, bytes: 5_000_000, ageMs: 1000, sizeOf: () => 1 }))
 *   .settle((outcomes) => store(outcomes))
 */
export { backOff, type BackOffOptions } from './back-off.js'
export { batch, type BatchOptions } from './batch.js'
export { buffer, type BufferOptions } from './buffer.js'
export { CircuitBreaker, type CircuitBreakerOptions, type CircuitState } from './circuit-breaker.js'
export { systemClock, type Clock } from './clock.js'
export { fanOut, type Branch, type BranchOptions } from './fan-out.js'
export { filter } from './filter.js'
export { flatten } from './flatten.js'
export { map } from './map.js'
export { mapConcurrent, type MapConcurrentOptions, type Outcome, type Slot } from './map-concurrent.js'
export {
  pipeline,
  PipelineClosedError,
  type Pipeline,
  type PipelineCounters,
  type SettleOptions,
  type ShutdownOptions,
} from './pipeline.js'
export type { ReadyIterator } from './ready-iterator.js'
export { retry, type RetryOptions, type Verdict } from './retry.js'
export { Semaphore } from './semaphore.js'
export { sleep, type SleepOptions } from './sleep.js'
export type { Stage } from './stage.js'
