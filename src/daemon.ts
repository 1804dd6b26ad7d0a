import { assemble, type Parts } from './assembly/assemble.js'
import { watchHeapGrowth } from './assembly/heap-growth.js'
import type { Config } from './config/schema.js'
import { decode } from './decode/decode.js'
import type { Finished, SourceRecord } from './delivery/delivery.js'
import { enrich } from './enrich/enrich.js'
import { drainWith, type DaemonSignals } from './drain.js'
import { pipeline, type Pipeline } from './pipeline/pipeline.js'
import { settleWith } from './settle.js'
import { batchForBulk } from './sink/bulk-batch.js'
import { heldUntil } from './source/held-until.js'
import { sumOfLags } from './telemetry/run-status.js'

export interface DaemonSurroundings extends DaemonSignals {
  /** For the proxy variables; everything else is in the configuration. */
  readonly environment: Readonly<Record<string, string | undefined>>
}

/**
 * The daemon, from its start to the end of its drain.
 *
 * @returns the exit code: 0 drained, 1 could not go on, 75 cut off
 */
export async function runDaemon(config: Config, surroundings: DaemonSurroundings): Promise<number> {
  const parts = await assemble(config, {
    environment: surroundings.environment,
    again: (records) => flow(records, config, parts),
  })
  const { source, sink, deadLetters, guard, telemetry } = parts
  // All of a file is there, and nobody knows how much it is.
  const lag = config.source.type === 'kafka' ? () => sumOfLags(source.state.partitions) : () => Infinity
  watchHeapGrowth({ ...config.pipeline, lag })
  const settled = flow(
    heldUntil(() => sink.ready(), source),
    config,
    parts,
  ).settle(settleWith({ source, deadLetters, guard, telemetry }), {
    concurrency: config.pipeline.bufferSize,
  })
  return drainWith(parts, settled, surroundings)
}

/** The whole way of a record. */
export function flow(
  records: AsyncIterable<SourceRecord> | readonly SourceRecord[],
  config: Config,
  { enriching, batching, sink }: Pick<Parts, 'enriching' | 'batching' | 'sink'>,
): Pipeline<Finished> {
  return pipeline(records)
    .through(decode(config.decode))
    .through(enrich(enriching))
    .through(batchForBulk(batching))
    .through(sink.index)
}
