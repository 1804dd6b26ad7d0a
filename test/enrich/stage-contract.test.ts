import type { Delivery } from '../../src/delivery/delivery.js'
import type { EnrichedDocument } from '../../src/delivery/document.js'
import type { Analyser } from '../../src/enrich/analyser.js'
import { enrich, type EnrichOptions } from '../../src/enrich/enrich.js'
import { map } from '../../src/pipeline/map.js'
import type { Stage } from '../../src/pipeline/stage.js'
import { keepsTheStageContract } from '../pipeline/stage-contract.js'
import { logDelivery } from './support/log-deliveries.js'
import { silentTelemetry } from './support/silent-telemetry.js'

type Out = Delivery<EnrichedDocument>

const never = new AbortController().signal

function stageOf(order: 'none' | 'partition', batchSize: number): Stage<number, Out> {
  const analyser: Analyser = {
    name: 'quick',
    maxTexts: 8,
    analyse: (texts, call) => {
      setImmediate(() => call.done(texts.map(() => ({ entities: [] }))))
    },
    close: () => Promise.resolve(),
  }
  const options: EnrichOptions = {
    analyser,
    maxConcurrency: 4,
    maxTextBytes: 1000,
    retry: { limit: 3, delayMs: 10, maxDelayMs: 100 },
    breaker: { probeIntervalMs: 100 },
    batchSize,
    batchWaitMs: 1,
    order,
    window: 12,
    document: { indexTimePastMs: 0, indexTimeFutureMs: 86_400_000 },
    draining: never,
    cutOff: never,
    telemetry: silentTelemetry,
  }
  const deliver = map((offset: number) => logDelivery({ message: `text ${offset}`, offset }))
  return (source) => enrich(options)(deliver(source))
}

for (const order of ['none', 'partition'] as const) {
  for (const batchSize of [1, 3]) {
    keepsTheStageContract<Out>({
      name: `enrich (order ${order}, ${batchSize} per request)`,
      make: () => stageOf(order, batchSize),
      itemsOf: ({ record }) => [record.offset],
      bound: 12,
      works: false,
      ordered: order === 'partition',
    })
  }
}
