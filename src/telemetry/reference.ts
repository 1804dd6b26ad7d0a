import { events, type EventDefinition } from './events.js'
import { histogramDefinitions, metricDefinitions } from './metric-definitions.js'

/** `docs/logs-and-metrics.md`, made from the tables of events and metrics. */
export function logsAndMetricsReference(): string {
  return [introduction, eventTable(), betweenTables, metricTable(), afterTables].join('\n\n') + '\n'
}

const introduction = `# Logs and metrics

Made from \`src/telemetry/events.ts\` and \`src/telemetry/metric-definitions.ts\`; a test keeps it current
(\`UPDATE_DOCS=1 node --import tsx --test test/telemetry/reference.test.ts\` writes it anew).

## Log lines

One JSON object a line on stdout (on stderr where documents go to stdout), or lines for people with \`log.format = pretty\`. Every
line has \`level\` (\`debug\`, \`info\`, \`warn\`, \`error\`), \`time\` (ISO 8601, UTC), \`event\` (below; names never change their meaning) and
\`msg\`, a sentence that says it all; then the event's fields. At \`info\` there is nothing per record. No line carries a
configured secret at any level (\`[secret]\` stands in its place), and none at \`info\` or above carries a message's text (\`[text]\`).
A line is at most some 16 KiB long.

Where a line has \`error\`, it tells the whole story: \`code\` (a closed list), \`kind\` (\`record\`: the record's own fault; \`outage\`: waited
for, never counted; \`suspect\`: counted as an attempt where others succeed; \`setting\`: something must be changed), where it was
(\`stage\`, \`topic\`, \`partition\`, \`offset\`, \`attempt\`), and its chain of causes under \`cause\`, several at once under \`errors\`.

\`\`\`
jq 'select(.event == "record.rejected") | {topic, partition, offset, reason, why: .error.message}'
\`\`\``

const betweenTables = `## Metrics

At \`/metrics\` on the admin port, for Prometheus. Counters start at 0 with the process; a label's values are bounded in number. For
partitions, only those that this member owns are shown: sum over all members.`

const afterTables = `Besides these, those of the process and of Node as [prom-client](https://github.com/siimon/prom-client) makes them: \`process_…\` (CPU, memory, file
descriptors) and \`nodejs_…\` (event loop lag, garbage collection, heap). Least, largest and mean lag and its percentiles are those of a
timer that runs out every 100 ms, which are in them: a \`nodejs_eventloop_lag_p99_seconds\` of 0.1 is no lag.

## What to watch

| what | says |
| --- | --- |
| \`sum by (topic) (enrichd_lag)\` growing | more comes in than is done; \`/status\` and \`pipeline.progress\` say where the bottleneck is |
| \`enrichd_dependency_up == 0\` for minutes | the line waits for that dependency; nothing is lost, the lag grows |
| \`increase(enrichd_rejected_records_total[10m]) > 0\` | dead letters; \`enrichd replay\` brings them back once the reason is gone |
| \`enrichd_offsets_out_of_range_total > 0\` | retention was faster than the work: records are gone unread |
| \`enrichd_event_loop_busy_ratio > 0.85\` | one core is used up: add members to the group. Where more than 32 calls are allowed, fewer may be in flight then, since more would only wait |
| \`enrichd_nlp_concurrency_limit\` below \`nlp.maxConcurrency\` | the NLP service pushes back |`

function eventTable(): string {
  const rows = Object.entries(events).map(([name, event]) => eventRow(name, event))
  return table(['event', 'level', 'tells', 'fields'], rows)
}

function eventRow(name: string, { level, tells, fields, perSecond }: EventDefinition): readonly string[] {
  const bound = perSecond === undefined ? '' : ` At most ${perSecond} a second, the rest are counted.`
  return [code(name), level, tells + bound, fields.map(code).join(', ')]
}

function metricTable(): string {
  const plain = metricDefinitions.map(({ name, type, labels, help }) => [
    code(name),
    type,
    labels.map(code).join(', '),
    help,
  ])
  const histograms = Object.values(histogramDefinitions).map(({ name, help }) => [
    code(name),
    'histogram',
    '',
    help,
  ])
  return table(['metric', 'type', 'labels', 'tells'], [...plain, ...histograms])
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function code(text: string): string {
  return `\`${text}\``
}
