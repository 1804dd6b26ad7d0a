import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import {
  histogramDefinitions,
  metricDefinitions,
  type HistogramDefinition,
  type MetricDefinition,
  type MetricSources,
} from './metric-definitions.js'

/** What measures the event loop's lag. At the 10 ms that are usual it was most of what woke an idle daemon up. */
const LAG_TIMER_MS = 100

/**
 * The Prometheus metrics. Counters and gauges are read from plain counts when somebody asks; only the four histograms
 * are observed as things happen (0.3 µs each, measured).
 */
export class Metrics {
  readonly #registry = new Registry()
  readonly nlpSeconds: Histogram
  readonly bulkSeconds: Histogram
  readonly bulkSize: Histogram
  readonly endToEndSeconds: Histogram

  /** @param processMetrics with those of the process and of Node: `process_…` and `nodejs_…` */
  constructor(sources: MetricSources, processMetrics: boolean) {
    for (const definition of metricDefinitions) this.#register(definition, sources)
    this.nlpSeconds = this.#histogram(histogramDefinitions.nlpSeconds)
    this.bulkSeconds = this.#histogram(histogramDefinitions.bulkSeconds)
    this.bulkSize = this.#histogram(histogramDefinitions.bulkSize)
    this.endToEndSeconds = this.#histogram(histogramDefinitions.endToEndSeconds)
    if (processMetrics)
      collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: LAG_TIMER_MS })
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** All metrics in the text format of Prometheus. */
  async text(): Promise<string> {
    return this.#registry.metrics()
  }

  #register({ type, name, help, labels, read }: MetricDefinition, sources: MetricSources): void {
    const shape = { name, help, labelNames: [...labels], registers: [this.#registry] }
    if (type === 'gauge') {
      new Gauge({
        ...shape,
        collect() {
          this.reset()
          for (const [value, given = {}] of read(sources)) this.set(given, value)
        },
      })
      return
    }
    new Counter({
      ...shape,
      collect() {
        this.reset()
        for (const [value, given = {}] of read(sources)) this.inc(given, value)
      },
    })
  }

  #histogram({ name, help, buckets }: HistogramDefinition): Histogram {
    return new Histogram({ name, help, buckets: [...buckets], registers: [this.#registry] })
  }
}
