import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { runCommand } from '../commands/support/run-command.js'
import { startBulkWatch } from '../support/bulk-watch.js'
import type { DaemonProcess } from '../support/daemon-process.js'
import type { StoredDocument } from '../support/es-test-client.js'
import type { FakeNlp } from '../support/fake-nlp.js'
import { loghubNames, loghubPath, needsLoghub } from '../support/loghub.js'
import { sharedStack } from '../support/stack.js'
import { assertLogForm, assertNotLogged, TestBed, type Line, type LogDocument } from '../support/test-bed.js'

const stack = sharedStack()
const options = stack.skip === false ? needsLoghub : { skip: stack.skip }
const maxConcurrency = 48
const partitions = 4
const minuteMs = 60_000

/** A record of the logs, as it is written to Kafka. */
interface LogLine {
  readonly text: string
  readonly value: string
  /** What `@timestamp` must be. */
  readonly timeMs: number
  readonly timestampMs: number
}

describe('the main job on the six logs of loghub', () => {
  let bed: TestBed
  let lines: string[]

  before(() => {
    bed = new TestBed(stack)
    if ('skip' in needsLoghub) return
    lines = loghubNames.flatMap((name) =>
      readFileSync(join(loghubPath, `${name}.log`), 'utf8')
        .split('\n')
        .map((line) => line.replace(/\r$/, ''))
        .filter((line) => line !== ''),
    )
  })
  after(() => bed.close())

  it('indexes every text line, with the time that Kafka has for it', options, async (t) => {
    // As if written over the last weeks, one every five minutes.
    const now = Date.now()
    const records = lines.map((text, n): LogLine => {
      const timestampMs = now - (lines.length - n) * 5 * minuteMs
      return { text, value: text, timeMs: timestampMs, timestampMs }
    })
    await runAndCheck(t, records)
  })

  it('indexes every JSON record, each in the index of its own time, of 2005 to 2025', options, async (t) => {
    const now = Date.now()
    const records = lines.map((text, n): LogLine => {
      const year = 2005 + Math.floor((21 * n) / lines.length)
      const timeMs = Date.UTC(year, n % 2 === 0 ? 0 : 11, 1 + (n % 28), n % 24, n % 60, n % 53, n % 1000)
      const value = JSON.stringify({ message: text, host: `host-${n % 7}`, ...timeField(timeMs, n) })
      return { text, value, timeMs, timestampMs: now - lines.length + n }
    })
    const { documents } = await runAndCheck(t, records)
    const indices = new Set([...documents.values()].map(({ _index }) => _index))
    assert.equal(indices.size, 42)
    const hosts = new Set([...documents.values()].map(({ _source }) => _source['host']))
    assert.equal(hosts.size, 7)
  })

  async function runAndCheck(t: TestContext, records: readonly LogLine[]) {
    assert.ok(records.length >= 11_990, `${records.length} lines`)
    const line = await bed.line(t, { partitions })
    const nlp = await bed.nlp(t, { settings: { latencyMs: 10, jitter: 1 } })
    const watch = await startBulkWatch(stack.elasticsearch)
    t.after(() => watch.close())
    await bed.kafka.produce(
      line.topic,
      records.map(({ value, timestampMs }, n) => ({
        partition: n % partitions,
        key: `key-${n}`,
        value,
        timestamp: String(timestampMs),
      })),
    )
    const settings = {
      ...line.settings(nlp),
      'elasticsearch.nodes': watch.url,
      'elasticsearch.index': `${line.index}-{yyyy}-{MM}`,
      'nlp.maxConcurrency': maxConcurrency,
    }
    // Without it Elasticsearch guesses: an index whose first entity is ZooKeeper's "2015-07-29" takes only dates as entities.
    t.after(() => bed.es.request('DELETE', `/_index_template/enrichd-${line.index}`))
    const setup = await runCommand('setup', settings)
    assert.equal(setup.code, 0, setup.stdout)
    const daemon = bed.start(t, settings)
    await line.settled(records.length, 120_000)
    assert.equal((await daemon.stop()).code, 0, daemon.tail())
    assert.ok(nlp.stats.maxInFlight <= maxConcurrency, `${nlp.stats.maxInFlight} calls in flight`)
    assert.ok(Math.max(...watch.sizes) <= 50, `${Math.max(...watch.sizes)} documents in a bulk`)
    assert.ok(watch.maxInFlight <= 4, `${watch.maxInFlight} bulks in flight; ${daemon.tail()}`)
    assert.deepEqual(
      await bed.kafka.committedOffsets(line.group, line.topic),
      await bed.kafka.endOffsets(line.topic),
    )
    const documents = await checkDocuments(line, records, nlp)
    checkLog(daemon, records)
    return { documents }
  }

  async function checkDocuments(line: Line, records: readonly LogLine[], nlp: FakeNlp) {
    const documents = await line.documents()
    assert.deepEqual([...(await line.deadLetters())].slice(0, 3), [], 'no dead letters')
    assert.equal(documents.size, records.length)
    for (const [n, record] of records.entries()) {
      const at = `${n % partitions}/${Math.floor(n / partitions)}`
      const document = documents.get(at)
      assert.ok(document, `record ${n} has no document`)
      checkDocument(document, { line, record, n, service: nlp })
    }
    assert.equal(nlp.stats.requests, nlp.answered.length)
    assert.equal(nlp.answered.length, records.length, 'one call each')
    return documents
  }
})

interface Expected {
  readonly line: Line
  readonly record: LogLine
  readonly n: number
  readonly service: FakeNlp
}

function checkDocument(document: StoredDocument<LogDocument>, { line, record, n }: Expected): void {
  const { _id, _index, _source: source } = document
  const partition = n % partitions
  const offset = Math.floor(n / partitions)
  const time = new Date(record.timeMs).toISOString()
  assert.equal(_id, `${line.topic}-${partition}-${offset}-${record.timestampMs}`)
  assert.equal(_index, `${line.index}-${time.slice(0, 4)}-${time.slice(5, 7)}`)
  assert.equal(source['@timestamp'], time)
  assert.equal(source.message, record.text)
  const [word = ''] = /\S+/.exec(record.text) ?? []
  assert.deepEqual(
    source.entities.map(({ text, type }) => ({ text, type })),
    [{ text: word, type: 'word' }],
  )
  assert.equal(source.severity, /error|fatal/i.test(record.text) ? 'high' : 'low')
  assert.deepEqual(source.kafka, { topic: line.topic, partition, offset, key: `key-${n}` })
  assert.equal(source.enrichment.status, 'enriched')
  assert.equal(source.enrichment.attempts, 1)
}

function checkLog(daemon: DaemonProcess, records: readonly LogLine[]): void {
  assertLogForm(daemon)
  assert.ok(daemon.lines.length < 60, `${daemon.lines.length} lines for ${records.length} records`)
  const samples = records.filter((_, n) => n % 400 === 0).map(({ text }) => text.slice(0, 60))
  assertNotLogged(daemon, samples)
  const stopped = daemon.lines.find(({ event }) => event === 'daemon.stopped')
  assert.equal(stopped?.['processed'], records.length)
}

/** The forms in which logs carry their time. */
function timeField(timeMs: number, n: number): Record<string, string | number> {
  const iso = new Date(timeMs).toISOString()
  const forms: Record<string, string | number>[] = [
    { '@timestamp': iso },
    { timestamp: timeMs },
    { ts: timeMs / 1000 },
    { time: `${iso.slice(0, 10)} ${iso.slice(11, 23)}` },
    { '@timestamp': `${iso.slice(0, -1)}+00:00` },
  ]
  return forms[n % forms.length] ?? {}
}
