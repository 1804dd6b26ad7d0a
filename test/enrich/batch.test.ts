import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EnrichBench } from './support/enrich-bench.js'
import { rejected, serverError } from './support/scripted-analyser.js'

const texts = (count: number) => Array.from({ length: count }, (_, index) => `text ${index}`)
const batched = { batchSize: 4, batchWaitMs: 5, scripted: { maxTexts: 100 } }

test('texts that come together share a request, and no more requests are in flight than allowed', async () => {
  const bench = new EnrichBench({ ...batched, maxConcurrency: 2 })
  bench.run()
  bench.send(...texts(16))
  await bench.clock.pass(100)
  assert.deepEqual(
    bench.analyser.calls.map((call) => call.texts.length),
    [4, 4, 4, 4],
  )
  assert.equal(bench.analyser.maxInFlight, 2)
  assert.equal(bench.out.length, 16)
})

test('a lonely text waits batchWaitMs for others, not longer', async () => {
  const bench = new EnrichBench(batched)
  bench.run()
  bench.send('alone')
  await bench.clock.pass(4)
  assert.equal(bench.analyser.calls.length, 0)
  await bench.clock.pass(1)
  assert.equal(bench.analyser.calls.length, 1)
})

test('a protocol without batches gets one text per request', async () => {
  const bench = new EnrichBench({ ...batched, scripted: { maxTexts: 1 } })
  bench.run()
  bench.send(...texts(4))
  await bench.clock.pass(50)
  assert.equal(bench.analyser.calls.length, 4)
})

for (const [name, error, reason] of [
  ['is refused', rejected, 'nlp-rejected'],
  ['fails', serverError, 'nlp-failed'],
] as const) {
  test(`a batch that ${name} because of one text is split until that text is alone; the others are not blamed`, async () => {
    const bench = new EnrichBench({
      ...batched,
      scripted: { maxTexts: 100, behave: (all) => (all.includes('poison') ? error : 'ok') },
    })
    bench.run()
    bench.send('good', 'text 0', 'poison', 'text 1')
    await bench.clock.pass(100)
    assert.deepEqual(
      bench.analyser.calls.slice(0, 5).map((call) => call.texts),
      [
        ['good', 'text 0', 'poison', 'text 1'],
        ['good', 'text 0'],
        ['poison', 'text 1'],
        ['poison'],
        ['text 1'],
      ],
    )
    assert.equal(bench.out.filter(({ status }) => status === 'in-flight').length, 3)
    await bench.clock.pass(20_000)
    const poison = bench.of('poison')
    assert.equal(poison?.status === 'rejected' && poison.reason, reason)
  })
}

test('each text of a split batch is handed on as soon as its own request is done', async () => {
  const bench = new EnrichBench({
    ...batched,
    scripted: { maxTexts: 100, behave: (all) => (all.includes('poison') ? 'hang' : 'ok'), timeoutMs: 100 },
  })
  bench.run()
  bench.send('poison', 'text 0', 'text 1', 'text 2')
  await bench.clock.pass(130)
  assert.deepEqual(bench.results.sort(), ['text 1 in-flight', 'text 2 in-flight'])
})

test('a drain releases what has been gathered but not sent', async () => {
  const bench = new EnrichBench({ ...batched, batchWaitMs: 1000 })
  bench.run()
  bench.send('text 0', 'text 1')
  await bench.clock.pass(10)
  bench.draining.abort()
  bench.source.end()
  await bench.clock.pass(1000)
  assert.deepEqual(bench.results, ['text 0 released', 'text 1 released'])
  assert.ok(bench.ended)
})
