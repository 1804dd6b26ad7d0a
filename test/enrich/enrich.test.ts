import assert from 'node:assert/strict'
import { test } from 'node:test'
import { release } from '../../src/delivery/delivery.js'
import type { EnrichedDocument } from '../../src/delivery/document.js'
import { EnrichdError } from '../../src/errors.js'
import { EnrichBench } from './support/enrich-bench.js'
import { logDelivery } from './support/log-deliveries.js'
import { forbidden, overloaded, refused, rejected, serverError } from './support/scripted-analyser.js'

const texts = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `text ${from + index}`)

const documentOf = (bench: EnrichBench, message: string) => {
  const delivery = bench.of(message)
  assert.equal(delivery?.status, 'in-flight')
  return JSON.parse((delivery as { value: EnrichedDocument }).value.body) as {
    severity: string
    enrichment: Record<string, unknown>
  }
}

test('each record comes out with its document, and never more than maxConcurrency calls are in flight', async () => {
  const bench = new EnrichBench()
  bench.run()
  bench.send(...texts(20))
  await bench.clock.pass(100)
  assert.equal(bench.out.length, 20)
  assert.equal(bench.analyser.maxInFlight, 4)
  assert.deepEqual(documentOf(bench, 'text 0').enrichment, {
    status: 'enriched',
    service: 'scripted',
    attempts: 1,
    durationMs: 10,
  })
})

test('a place is taken before a record is pulled, and a permit before it is sent', async () => {
  const bench = new EnrichBench({ scripted: { behave: () => 'hang' } })
  bench.run()
  bench.send(...texts(20))
  await bench.clock.pass(50)
  assert.equal(bench.source.pulled, 8)
  assert.equal(bench.analyser.calls.length, 4)
})

test('an empty message is indexed without a call', async () => {
  const bench = new EnrichBench()
  bench.run()
  bench.send('')
  await bench.clock.pass(0)
  assert.equal(documentOf(bench, '').enrichment['status'], 'skipped')
  assert.equal(bench.analyser.calls.length, 0)
})

test('what is not in flight passes through untouched', async () => {
  const bench = new EnrichBench()
  const released = release(logDelivery({ message: 'x', offset: 1 }).record)
  bench.run()
  bench.source.push(released)
  await bench.clock.pass(0)
  assert.equal(bench.out[0], released)
})

test('a record whose document cannot be built is a dead letter, and the line goes on', async () => {
  const bench = new EnrichBench()
  bench.run()
  const headers = Object.defineProperty({}, 'traceparent', {
    get: () => {
      throw new Error('broken')
    },
  })
  const bad = logDelivery({ message: 'bad', offset: 1 })
  bench.source.push({ ...bad, record: { ...bad.record, headers } })
  bench.send('good')
  await bench.clock.pass(50)
  const rejection = bench.of('bad') ?? bench.out.find(({ status }) => status === 'rejected')
  assert.equal(rejection?.status, 'rejected')
  assert.deepEqual([rejection.reason, rejection.stage, rejection.attempts], ['stage-failed', 'enrich', 1])
  assert.ok(rejection.error instanceof EnrichdError)
  assert.deepEqual([rejection.error.code, rejection.error.cause], ['INTERNAL', new Error('broken')])
  assert.equal(documentOf(bench, 'good').enrichment['status'], 'enriched')
})

test('a long text is cut at a code point and marked', async () => {
  const bench = new EnrichBench({ maxTextBytes: 5 })
  bench.run()
  bench.send('aé😀b')
  await bench.clock.pass(20)
  assert.deepEqual(bench.analyser.calls[0]?.texts, ['aé'])
  assert.equal(documentOf(bench, 'aé😀b').enrichment['truncated'], true)
})

test('a text that the service rejects is a dead letter at once, and its error tells where it was', async () => {
  const bench = new EnrichBench({ scripted: { behave: ([text]) => (text === 'bad' ? rejected : 'ok') } })
  bench.run()
  bench.send('bad', 'good')
  await bench.clock.pass(50)
  const delivery = bench.of('bad')
  assert.equal(delivery?.status, 'rejected')
  assert.ok(delivery.error instanceof EnrichdError)
  assert.deepEqual(delivery.error.context, {
    stage: 'enrich',
    topic: 'logs',
    partition: 0,
    offset: 0,
    attempt: 1,
  })
  assert.deepEqual(bench.results.sort(), ['bad nlp-rejected', 'good in-flight'])
})

test('with index-raw it goes on without entities, marked as failed', async () => {
  const bench = new EnrichBench({ onFailure: 'index-raw', scripted: { behave: () => rejected } })
  bench.run()
  bench.send('bad')
  await bench.clock.pass(50)
  assert.equal(documentOf(bench, 'bad').enrichment['status'], 'failed')
})

test('a text that fails for ever while others flow is given up after three attempts, and nobody waits for it', async () => {
  const bench = new EnrichBench({
    scripted: { behave: ([text]) => (text === 'poison' ? serverError : 'ok') },
  })
  bench.run()
  bench.send(...texts(10), 'poison', ...texts(10, 10))
  await bench.clock.pass(100)
  assert.equal(bench.out.length, 20)
  await bench.clock.pass(10_000)
  const poison = bench.of('poison')
  assert.equal(poison?.status, 'rejected')
  assert.equal(poison.reason, 'nlp-failed')
  assert.equal(poison.attempts, 3)
  assert.equal(bench.callsOf('poison'), 3)
  assert.ok(!bench.events.some((event) => event.startsWith('down')))
})

test('one poison and nothing else to send: the last good text tells whose fault it is', async () => {
  const bench = new EnrichBench({
    scripted: { behave: ([text]) => (text === 'poison' ? serverError : 'ok') },
  })
  bench.run()
  bench.send('good')
  await bench.clock.pass(60_000)
  bench.send('poison')
  await bench.clock.pass(10_000)
  assert.equal(bench.of('poison')?.status, 'rejected')
  assert.equal(bench.callsOf('poison'), 3)
  assert.equal(bench.callsOf('good'), 4)
  assert.deepEqual(bench.events, ['retrying NLP_SERVER_ERROR', 'retrying NLP_SERVER_ERROR'])
})

test('a poison that hangs alone is found out too', async () => {
  const bench = new EnrichBench({ scripted: { behave: ([text]) => (text === 'poison' ? 'hang' : 'ok') } })
  bench.run()
  bench.send('good')
  await bench.clock.pass(1000)
  bench.send('poison')
  await bench.clock.pass(60_000)
  assert.equal(bench.of('poison')?.status, 'rejected')
  assert.equal(bench.callsOf('poison'), 3)
  assert.ok(!bench.events.some((event) => event.startsWith('down')))
})

for (const [name, error] of Object.entries({ refused, overloaded, serverError, forbidden })) {
  test(`when everything fails (${name}) the line waits, nothing counts, and all is done within 2 s of the return`, async () => {
    const bench = new EnrichBench({ window: 20 })
    bench.run()
    bench.send(...texts(10))
    await bench.clock.pass(100)
    bench.analyser.behave = () => error
    bench.send(...texts(100, 10))
    await bench.clock.pass(600_000)
    assert.equal(bench.out.length, 10)
    assert.ok(bench.analyser.calls.length < 10 + 700, `${bench.analyser.calls.length} calls`)
    assert.ok(bench.source.pulled <= 10 + 20)
    bench.analyser.behave = () => 'ok'
    await bench.clock.pass(2000)
    assert.equal(bench.out.length, 110)
    assert.ok(bench.out.every(({ status }) => status === 'in-flight'))
    assert.equal(documentOf(bench, 'text 10').enrichment['attempts'], 1)
    assert.equal(bench.events.filter((event) => event.startsWith('down')).length, 1)
    assert.equal(bench.events.at(-1), 'up')
    assert.ok(bench.analyser.maxInFlight <= 4)
  })
}

test('when the service hangs, the line notices within the probe interval, and calls that hung give way on its return', async () => {
  const bench = new EnrichBench()
  bench.run()
  bench.send(...texts(10))
  await bench.clock.pass(100)
  bench.analyser.behave = () => 'hang'
  bench.send(...texts(100, 10))
  await bench.clock.pass(2500)
  assert.ok(bench.events.includes('down NLP_TIMEOUT'))
  await bench.clock.pass(60_000)
  bench.analyser.behave = () => 'ok'
  await bench.clock.pass(2000)
  assert.ok(bench.out.length >= 106, `${bench.out.length} of 110`)
  await bench.clock.pass(40_000)
  assert.equal(bench.out.length, 110)
  assert.ok(bench.out.every(({ status }) => status === 'in-flight'))
  assert.ok(bench.analyser.maxInFlight <= 4)
})

for (const share of [3, 5, 20]) {
  test(`texts that take long, one in ${share}, are let be: few calls are made again, and the line is as fast as they let it be`, async () => {
    const isSlow = (text = '') => Number(text.slice(5)) % share === 0
    const bench = new EnrichBench({ scripted: { latencyMs: ([text]) => (isSlow(text) ? 4000 : 5) } })
    bench.run()
    const all = texts(240, 1)
    bench.send(...all)
    const slow = all.filter(isSlow)
    const idealMs = (slow.length * 4000) / 4
    await bench.clock.pass(idealMs + 10_000)
    assert.equal(bench.out.length, 240)
    assert.ok(bench.out.every(({ status }) => status === 'in-flight'))
    const again = bench.analyser.calls.length - 240
    assert.ok(again <= 2 * 4, `${again} calls more than texts`)
    const downs = bench.events.filter((event) => event.startsWith('down')).length
    assert.ok(downs <= 2, `${downs} times down`)
  })
}

test('calls that a fault of a moment has swallowed are made again soon after it, and not when they time out', async () => {
  const bench = new EnrichBench()
  bench.run()
  bench.send(...texts(10))
  await bench.clock.pass(100)
  bench.analyser.behave = () => 'hang'
  bench.send(...texts(40, 10))
  await bench.clock.pass(500)
  bench.analyser.behave = () => 'ok'
  await bench.clock.pass(4000)
  assert.equal(bench.out.length, 50)
  assert.ok(bench.out.every(({ status }) => status === 'in-flight'))
})

test('a service that was never up is asked with the records themselves', async () => {
  const bench = new EnrichBench({ scripted: { behave: () => serverError } })
  bench.run()
  bench.send(...texts(10))
  await bench.clock.pass(60_000)
  assert.equal(bench.out.length, 0)
  bench.analyser.behave = () => 'ok'
  // A record that failed with the others may be in its longest back-off.
  await bench.clock.pass(35_000)
  assert.equal(bench.out.length, 10)
})

test('Retry-After puts the next probe off', async () => {
  const asked = new EnrichdError('NLP_OVERLOADED', 'later', { kind: 'outage', retryAfterMs: 30_000 })
  const bench = new EnrichBench({ scripted: { behave: () => asked } })
  bench.run()
  bench.send(...texts(10))
  await bench.clock.pass(1000)
  const calls = bench.analyser.calls.length
  await bench.clock.pass(28_000)
  assert.equal(bench.analyser.calls.length, calls)
  bench.analyser.behave = () => 'ok'
  await bench.clock.pass(35_000)
  assert.equal(bench.out.length, 10)
})

test('a 429 while others succeed delays that record only', async () => {
  let refusals = 3
  const bench = new EnrichBench({
    scripted: { behave: ([text]) => (text === 'unlucky' && refusals-- > 0 ? overloaded : 'ok') },
  })
  bench.run()
  bench.send('unlucky', ...texts(100))
  await bench.clock.pass(500)
  assert.ok(bench.out.length >= 100)
  await bench.clock.pass(20_000)
  assert.equal(documentOf(bench, 'unlucky').enrichment['attempts'], 1)
  assert.ok(!bench.events.some((event) => event.startsWith('down')))
})

test('with one call at a time, a record tries again though nothing else comes', async () => {
  let failures = 2
  const bench = new EnrichBench({
    maxConcurrency: 1,
    scripted: { behave: () => (failures-- > 0 ? refused : 'ok') },
  })
  bench.run()
  bench.send('only')
  await bench.clock.pass(10_000)
  assert.deepEqual(bench.results, ['only in-flight'])
})

test('a drain lets calls in flight finish and releases what is between two attempts', async () => {
  const bench = new EnrichBench({
    scripted: { latencyMs: 2000, behave: ([text]) => (text === 'poison' ? serverError : 'ok') },
  })
  bench.run()
  bench.send('poison', ...texts(4))
  await bench.clock.pass(10)
  bench.draining.abort()
  bench.source.end()
  await bench.clock.pass(0)
  assert.deepEqual(bench.results, ['poison released'])
  await bench.clock.pass(2000)
  assert.ok(bench.ended)
  assert.deepEqual(
    bench.results.slice(1).sort(),
    texts(4).map((text) => `${text} in-flight`),
  )
  assert.equal(bench.analyser.calls.length, 5)
})

test('a drain during an outage releases everything at once', async () => {
  const bench = new EnrichBench({ scripted: { behave: () => refused } })
  bench.run()
  bench.send(...texts(10))
  await bench.clock.pass(5000)
  const calls = bench.analyser.calls.length
  bench.draining.abort()
  bench.source.end()
  await bench.clock.pass(0)
  assert.ok(bench.out.length > 0 && bench.out.every(({ status }) => status === 'released'))
  await bench.clock.pass(5000)
  assert.ok(bench.ended)
  assert.equal(bench.analyser.calls.length, calls)
  assert.equal(bench.clock.timers, 0)
})

test('the cut-off releases what is still in flight', async () => {
  const bench = new EnrichBench({ scripted: { behave: () => 'hang' } })
  bench.run()
  bench.send(...texts(3))
  await bench.clock.pass(10)
  bench.draining.abort()
  bench.source.end()
  bench.cutOff.abort()
  await bench.clock.pass(0)
  assert.deepEqual(
    bench.results.sort(),
    texts(3).map((text) => `${text} released`),
  )
  assert.ok(bench.ended)
  assert.equal(bench.analyser.inFlight, 0)
})

test('a record whose lease is lost is released: before its call, in its back-off, and while the line waits', async () => {
  const lease = new AbortController()
  const bench = new EnrichBench({ scripted: { behave: () => refused } })
  bench.run()
  bench.source.push(logDelivery({ message: 'moved', offset: 0, lease: lease.signal }))
  bench.send(...texts(6))
  await bench.clock.pass(5000)
  lease.abort()
  await bench.clock.pass(0)
  assert.deepEqual(bench.results, ['moved released'])
  bench.analyser.behave = () => 'ok'
  bench.source.push(logDelivery({ message: 'moved too', offset: 9, lease: lease.signal }))
  await bench.clock.pass(5000)
  assert.equal(bench.of('moved too')?.status, 'released')
  assert.equal(bench.callsOf('moved too'), 0)
})

test('in partition order, results leave as they came within their partition, and partitions do not wait for one another', async () => {
  const bench: EnrichBench = new EnrichBench({
    order: 'partition',
    maxConcurrency: 8,
    scripted: { latencyMs: () => (bench.analyser.calls.at(-1)?.texts[0] === 'slow' ? 500 : 10) },
  })
  bench.run()
  bench.source.push(logDelivery({ message: 'slow', offset: 0, partition: 0 }))
  for (let offset = 1; offset < 6; offset++) {
    bench.source.push(logDelivery({ message: `a${offset}`, offset, partition: 0 }))
    bench.source.push(logDelivery({ message: `b${offset}`, offset, partition: 1 }))
  }
  await bench.clock.pass(100)
  assert.deepEqual(
    bench.results,
    ['b1', 'b2', 'b3', 'b4', 'b5'].map((text) => `${text} in-flight`),
  )
  await bench.clock.pass(1000)
  assert.deepEqual(
    bench.results.slice(5),
    ['slow', 'a1', 'a2', 'a3', 'a4', 'a5'].map((text) => `${text} in-flight`),
  )
})

test('an early return closes the source, waits for calls in flight and leaves nothing behind', async () => {
  const bench = new EnrichBench({ scripted: { latencyMs: 500 } })
  bench.send(...texts(10))
  const first = bench.iterator.next()
  await bench.clock.pass(600)
  assert.equal((await first).done, false)
  const returned = bench.iterator.return?.()
  await bench.clock.pass(1000)
  await returned
  assert.ok(bench.source.closed)
  assert.equal(bench.analyser.inFlight, 0)
  assert.equal(bench.clock.timers, 0)
})

test('an early return while there is nothing to do ends at once', async () => {
  const bench = new EnrichBench({ maxConcurrency: 1 })
  bench.run()
  bench.send('only')
  await bench.clock.pass(1000)
  await bench.iterator.return?.()
  assert.ok(bench.source.closed)
  assert.equal(bench.clock.timers, 0)
})

test('an early return during an outage ends at once', async () => {
  const bench = new EnrichBench({ scripted: { behave: () => refused } })
  bench.run()
  bench.send(...texts(10))
  await bench.clock.pass(10_000)
  await bench.iterator.return?.()
  assert.ok(bench.source.closed)
  assert.equal(bench.clock.timers, 0)
})

test('the rate limit spreads calls evenly', async () => {
  const bench = new EnrichBench({ maxRequestsPerSecond: 10 })
  bench.run()
  bench.send(...texts(50))
  await bench.clock.pass(2050)
  assert.equal(bench.analyser.calls.length, 21)
})

test('equal texts cost one call: in flight they share it, later it is remembered until it is too old', async () => {
  const bench = new EnrichBench({ cache: { maxEntries: 10, ttlMs: 60_000 } })
  bench.run()
  bench.send('same', 'same', 'same', 'other')
  await bench.clock.pass(100)
  bench.send('same')
  await bench.clock.pass(100)
  assert.equal(bench.out.length, 5)
  assert.equal(bench.callsOf('same'), 1)
  await bench.clock.pass(60_000)
  bench.send('same')
  await bench.clock.pass(100)
  assert.equal(bench.callsOf('same'), 2)
})

test('bounds are checked, and named', () => {
  assert.throws(() => new EnrichBench({ maxConcurrency: 0 }), /maxConcurrency/)
  assert.throws(() => new EnrichBench({ window: 3 }), /window/)
  assert.throws(() => new EnrichBench({ retry: { limit: 0, delayMs: 1, maxDelayMs: 1 } }), /retry\.limit/)
})
